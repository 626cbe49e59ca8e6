"""The repairs, each over the pieces of one sound, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from tunesmith.data.repair.gaps import filled
from tunesmith.texts import Message, msg

Pieces = Iterator[np.ndarray]
"""Pieces of one sound in order, float32 (channels, frames)."""
HIGH_PASS_HZ = 20.0
"""Under the lowest note of a bass; what lies deeper is offset, wind and footfall."""
_FADE_S = 0.005
"""Of the ends that a trim makes; they lie in what counts as silence."""


class Step(Protocol):
    """One repair of one sound: the check whose finding it settles, what it says, and what it does."""

    @property
    def check(self) -> str: ...  # noqa: D102

    @property
    def said(self) -> Message: ...  # noqa: D102

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces: ...  # noqa: D102


@dataclass(frozen=True)
class FillGaps:
    """A line is drawn over samples that are not numbers."""

    count: int
    check: str = "nan_samples"

    @property
    def said(self) -> Message:
        """How many there were."""
        return msg("{count} samples that were not numbers: a line is drawn over them", count=self.count)

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """See :func:`filled`."""
        return filled(pieces, sample_rate)


@dataclass(frozen=True)
class FlipSide:
    """The second channel is turned over, so that the sides add up again."""

    side_db: float
    check: str = "antiphase"

    @property
    def said(self) -> Message:
        """How far the sides cancelled."""
        return msg("the right side is turned over: the mono mix was {away:.0f} dB too weak", away=self.side_db)

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """Both channels, the second one negated."""
        return (np.stack([piece[0], -piece[1]]) for piece in pieces)


@dataclass(frozen=True)
class LiveChannel:
    """The channel that sounds takes the place of the dead one: both would be equal, so one is written."""

    channel: int
    check: str = "dead_channel"

    @property
    def said(self) -> Message:
        """Which channel is kept."""
        return msg("channel {channel} alone, as mono: the other one is dead", channel=self.channel + 1)

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """The live channel."""
        return (piece[self.channel : self.channel + 1] for piece in pieces)


@dataclass(frozen=True)
class OneChannel:
    """Mono that was stored twice is stored once."""

    check: str = "identical_channels"

    @property
    def said(self) -> Message:
        """What is written."""
        return msg("mono, as both channels were the same")

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """The first channel."""
        return (piece[:1] for piece in pieces)


@dataclass(frozen=True)
class HighPass:
    """Offset and rumble are filtered off: Butterworth, second order, minimum phase, 20 Hz (-0.3 dB at 40 Hz)."""

    offset: float
    check: str = "dc_offset"

    @property
    def said(self) -> Message:
        """How great the offset was."""
        return msg(
            "high-pass at {hertz:g} Hz (minimum phase): a DC offset of {offset:.3f}",
            hertz=HIGH_PASS_HZ,
            offset=self.offset,
        )

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """The filtered pieces; the filter begins as if the offset had always been there, so that nothing thumps."""
        from scipy.signal import butter, sosfilt, sosfilt_zi

        sections = butter(2, HIGH_PASS_HZ, "highpass", fs=sample_rate, output="sos")
        state: np.ndarray | None = None
        for piece in pieces:
            if state is None:
                mean = piece.mean(axis=1, dtype=np.float64)
                state = sosfilt_zi(sections)[:, None, :] * mean[None, :, None]
            filtered, state = sosfilt(sections, piece.astype(np.float64), axis=1, zi=state)
            yield filtered.astype(np.float32)


@dataclass(frozen=True)
class Trim:
    """Silence before and after the sound is cut away, but for a short natural tail."""

    start: float
    end: float
    before: float
    after: float
    check: str = "silent_labels"

    @property
    def said(self) -> Message:
        """How much silence goes."""
        return msg(
            "{before:.2f} s of silence cut from its beginning and {after:.2f} s from its end",
            before=self.before,
            after=self.after,
        )

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """The pieces from ``start`` to ``end`` (seconds), faded over 5 ms where silence was cut off."""
        first, last = round(self.start * sample_rate), round(self.end * sample_rate)
        ramp = (np.arange(round(_FADE_S * sample_rate), dtype=np.float32) + 0.5) / (_FADE_S * sample_rate)
        position = 0
        for piece in pieces:
            begin, stop = max(0, first - position), min(piece.shape[1], last - position)
            if stop > begin:
                kept = piece[:, begin:stop].copy()
                where = np.arange(position + begin, position + stop)
                if self.before:
                    kept *= np.interp(where - first, np.arange(len(ramp)), ramp, right=1.0).astype(np.float32)
                if self.after:
                    kept *= np.interp(last - 1 - where, np.arange(len(ramp)), ramp, right=1.0).astype(np.float32)
                yield kept
            position += piece.shape[1]


GainReason = Literal["median", "peaks", "full_scale"]
"""The loudness of the set; as near to it as peaks allow; or peaks that the file could not hold."""


@dataclass(frozen=True)
class Gain:
    """The whole is made louder or quieter."""

    decibels: float
    why: GainReason = "median"

    @property
    def check(self) -> str:
        """Only a gain that reaches the median settles the finding."""
        return "loudness_outlier" if self.why == "median" else ""

    @property
    def said(self) -> Message:
        """By how much, and why."""
        if self.why == "peaks":
            return msg("{gain:+.1f} dB, as far as its peaks allow", gain=self.decibels)
        if self.why == "full_scale":
            return msg("{gain:+.1f} dB, so that its peaks fit into the file", gain=self.decibels)
        return msg("{gain:+.1f} dB, to the median loudness of the set", gain=self.decibels)

    def apply(self, pieces: Pieces, sample_rate: int) -> Pieces:
        """The pieces times the gain."""
        factor = np.float32(10 ** (self.decibels / 20))
        return (piece * factor for piece in pieces)


def applied(steps: tuple[Step, ...], pieces: Pieces, sample_rate: int) -> Pieces:
    """The pieces after every step, in order."""
    for step in steps:
        pieces = step.apply(pieces, sample_rate)
    return pieces
