"""Measure each clip once, in one pass over its sound; every check then only compares numbers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.audio.decode import blocks, info_of, open_audio
from tunesmith.audio.measure.clipping import clipped_samples
from tunesmith.audio.problems import AudioInfo, LongerThanAskedError, UnreadableAudioError
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.waves import HOP_SECONDS, SILENCE_DBFS, fade
from tunesmith.data.sample import AudioRef
from tunesmith.texts import as_message, msg

if TYPE_CHECKING:
    from tunesmith.data.checks.listening import Listening

_FINGERPRINT_RATE = 11_025
_AT_PEAK = 0.94  # half a dB under it
_PAUSE_UNDER_DB = 45.0  # of the loud level; the noise of a room is no sound
_EPS = 1e-12


@dataclass(frozen=True)
class Job:
    """One clip to measure: what is asked for, and whether limits on length and rate still apply to it."""

    ref: AudioRef
    limits: CheckLimits
    signals: bool
    fingerprint: bool
    overruled: bool = False


def beyond(info: AudioInfo | ClipFacts, seconds: float, limits: CheckLimits) -> bool:
    """Whether the header alone rules a clip out, so that a 3-hour or 200-channel file is not decoded for nothing."""
    return (
        seconds > limits.max_seconds
        or info.channels > limits.max_channels
        or not limits.min_sample_rate <= info.sample_rate <= limits.max_sample_rate
    )


def measure_clip(job: Job) -> tuple[ClipFacts, np.ndarray | None]:
    """Measure one clip; a bad clip gives facts with a ``problem``, never an exception.

    Returns:
        The facts, and the fingerprint's landmarks where asked for and possible.
    """
    try:
        with open_audio(job.ref.path, longest=_longest(job), end=job.ref.end) as file:
            info = info_of(file)
            end = info.seconds if job.ref.end is None else min(job.ref.end, info.seconds)
            seconds = max(0.0, end - job.ref.start)
            if beyond(info, seconds, job.limits) and not job.overruled:
                return _undecoded(info, seconds), None
            gauge = _Gauge(info.sample_rate, info.channels, job.signals, job.fingerprint)
            for block in blocks(file, job.ref.path, job.ref.start, job.ref.end):
                gauge.add(block)
    except LongerThanAskedError as error:
        return _undecoded(error.info, error.info.seconds - job.ref.start), None
    except UnreadableAudioError as error:
        reason, remedy = as_message(error.what), as_message(error.remedy)
        return ClipFacts(problem=error.kind, reason=reason, remedy=remedy, decoded=False), None
    except MemoryError:
        reason, remedy = msg("this file does not fit into memory"), msg("Cut it into tracks.")
        return ClipFacts(problem="format", reason=reason, remedy=remedy, decoded=False), None
    return replace(gauge.facts(info, seconds), kbps=_kbps(job.ref.path, info)), gauge.landmarks()


def _kbps(path: str, info: AudioInfo) -> float:
    """Thousands of bits of the file per second of its sound."""
    return 8e-3 * Path(path).stat().st_size / info.seconds if info.seconds > 0 else 0.0


def measure_sound(pieces: Iterable[np.ndarray], sample_rate: int) -> ClipFacts:
    """What is measured of a sound that lies in no file yet: its facts without those of a file, and no fingerprint.

    Args:
        pieces: float32 (channels, frames) in order, at least one.
        sample_rate: In Hz.
    """
    gauge: _Gauge | None = None
    for piece in pieces:
        gauge = gauge or _Gauge(sample_rate, piece.shape[0], signals=True, fingerprint=False)
        gauge.add(np.ascontiguousarray(piece))
    if gauge is None:
        return ClipFacts(decoded=False)
    seconds = gauge.frames / sample_rate
    return gauge.facts(AudioInfo(sample_rate, gauge.channels, gauge.frames, seconds, format=""), seconds)


def _longest(job: Job) -> float | None:
    """Seconds of a file that may have to be converted before its length decides; ``None`` where it does not."""
    is_open = job.ref.end is None and not job.overruled
    return job.ref.start + job.limits.max_seconds if is_open else None


def _undecoded(info: AudioInfo, seconds: float) -> ClipFacts:
    return replace(_of_file(info), seconds=seconds, decoded=False)


def _of_file(info: AudioInfo) -> ClipFacts:
    """What is known of the file as a whole."""
    return ClipFacts(
        sample_rate=info.sample_rate,
        channels=info.channels,
        format=info.format,
        file_seconds=info.seconds,
        header_seconds=info.header_seconds,
        streams=info.streams,
        tracks=info.tracks,
    )


@dataclass
class _Gauge:
    """Running sums over the blocks of one clip."""

    rate: int
    channels: int
    signals: bool
    fingerprint: bool
    frames: int = 0
    nonfinite: int = 0
    peak: float = 0.0
    clipped: int = 0
    cross: float = 0.0
    difference: float = 0.0
    hops: list[np.ndarray] = field(default_factory=list)
    curves: list[np.ndarray] = field(default_factory=list)
    low_rate: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sums = np.zeros(self.channels)
        self.energy = np.zeros(self.channels)
        self.hashes = [hashlib.blake2b(str(self.rate).encode(), digest_size=16) for _ in range(self.channels)]
        self.envelopes: list[np.ndarray] = []
        self._listening = self._listener() if self.signals else None
        self._resampler: Any = None  # soxr.ResampleStream, whose package has no types

    def add(self, block: np.ndarray) -> None:
        """Take in float32 (channels, frames)."""
        finite = np.isfinite(block)
        if not finite.all():
            self.nonfinite += int(block.size - np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0))
        self.frames += block.shape[1]
        for digest, channel in zip(self.hashes, block, strict=True):
            digest.update(channel.data)
        self.sums += block.sum(axis=1)
        energy = np.array([float(np.dot(x, x)) for x in block])
        self.energy += energy
        if self.channels == 2:
            difference = block[0] - block[1]
            self.cross += float(np.dot(block[0], block[1]))
            self.difference += float(np.dot(difference, difference))
        self._levels(block)
        if self.signals or self.fingerprint:
            self._listen(block, float(energy.sum()))

    def _levels(self, block: np.ndarray) -> None:
        magnitude = np.abs(block)
        peak = float(magnitude.max(initial=0.0))
        self.peak = max(self.peak, peak)
        self.clipped += sum(clipped_samples(x, peak) for x in magnitude)
        if self.signals:
            from tunesmith.audio.measure.gaps import peak_envelope

            self.envelopes.append(peak_envelope(magnitude, self.rate))
        hop = max(1, round(self.rate * HOP_SECONDS))
        count = block.shape[1] // hop
        if count == 0 and not self.hops:
            hop, count = block.shape[1], 1
        pieces = block[:, : count * hop].reshape(self.channels, count, hop)
        self.hops.append(np.einsum("cnh,cnh->cn", pieces, pieces).max(axis=0) / hop)

    def _listen(self, block: np.ndarray, energy: float) -> None:
        mono = block[0] if self.channels == 1 else block.mean(axis=0)
        if float(np.dot(mono, mono)) < 1e-4 * energy / self.channels:
            mono = block[0]  # the channels cancel out
        if self.fingerprint:
            import soxr

            if self._resampler is None:
                self._resampler = soxr.ResampleStream(self.rate, _FINGERPRINT_RATE, 1, dtype="float32", quality="MQ")
            self.low_rate.append(self._resampler.resample_chunk(mono))
        if self.signals:
            from tunesmith.audio.measure.loudness import loudness_curve

            self.curves.append(loudness_curve(block.T, self.rate))
        if self._listening is not None:
            self._listening.add(mono, energy)

    def facts(self, info: AudioInfo, seconds: float) -> ClipFacts:
        """Everything that was measured."""
        values = max(1, self.frames)
        level = np.sqrt(self.energy / values)
        levels_db = 20 * np.log10(level + _EPS)
        hops_db = 10 * np.log10(np.concatenate(self.hops) + _EPS**2)
        loud = np.flatnonzero(hops_db >= SILENCE_DBFS)
        hop = seconds / len(hops_db)
        fade_db, fade_trend = fade(hops_db)
        return replace(
            _of_file(info),
            seconds=seconds,
            nonfinite=self.nonfinite,
            peak=self.peak,
            rms=float(np.sqrt(self.energy.mean() / values)),
            dc=float(np.abs(self.sums / values).max()),
            clipped_share=self.clipped / (values * self.channels),
            silent_share=1.0 - len(loud) / len(hops_db),
            silent_start=float(loud[0] * hop) if len(loud) else seconds,
            silent_end=float((len(hops_db) - 1 - loud[-1]) * hop) if len(loud) else 0.0,
            channel_gap_db=float(levels_db.max() - levels_db.min()),
            quietest_channel=int(level.argmin()) + 1,
            fade_db=fade_db,
            fade_trend=fade_trend,
            side_db=self._side_db(),
            content=hashlib.blake2b(b"".join(h.digest() for h in self.hashes), digest_size=16).hexdigest(),
            **self._signals(hops_db, hop),
        )

    def landmarks(self) -> np.ndarray | None:
        """The fingerprint, taken at 11.025 kHz mono."""
        if not self.fingerprint or self._resampler is None:
            return None
        from tunesmith.data.fingerprint import landmarks

        self.low_rate.append(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        sound = np.concatenate(self.low_rate)
        self.low_rate.clear()  # an hour is 160 MB
        return landmarks(sound, _FINGERPRINT_RATE)

    def _side_db(self) -> float | None:
        """Energy of left minus right over left plus right, in dB; ``None`` without two audible channels."""
        if self.channels != 2 or self.energy.min() <= _EPS:
            return None
        total = float(self.energy.sum()) + 2 * self.cross
        return 10 * math.log10((self.difference + _EPS) / (max(total, 0.0) + _EPS))

    def _listener(self) -> Listening:
        from tunesmith.data.checks.listening import Listening

        return Listening(self.rate)

    def _signals(self, hops_db: np.ndarray, hop: float) -> dict[str, Any]:
        """What takes more than a glance at the samples."""
        if self._listening is None:
            return {}
        from tunesmith.audio.measure.gaps import dropouts, envelope_hop, longest_pause
        from tunesmith.audio.measure.loudness import integrated

        envelope = np.concatenate(self.envelopes)
        holes = dropouts(envelope, envelope_hop(self.rate))
        silent_db = max(SILENCE_DBFS, float(np.percentile(hops_db, 90)) - _PAUSE_UNDER_DB)
        start, pause = longest_pause(hops_db, hop, silent_db)
        return {
            "lufs": integrated(np.concatenate(self.curves)),
            "peak_share": float((envelope >= _AT_PEAK * self.peak).mean()) if len(envelope) else 0.0,
            "pause": pause,
            "pause_start": start,
            "dropouts": len(holes),
            "dropout_start": float(holes[0, 0]) if len(holes) else 0.0,
            "dropout_seconds": float(holes[:, 1].max()) if len(holes) else 0.0,
            **self._listening.facts(),
        }
