"""Which repairs one sound needs, found by measuring it again after each round of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tunesmith.audio.decode import blocks, open_audio
from tunesmith.data.checks import antiphase, dc_offset, dead_channel, identical_channels, mostly_silent, silent_labels
from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.measure import measure_sound
from tunesmith.data.repair.gaps import BeyondRepairError
from tunesmith.data.repair.steps import (
    FillGaps,
    FlipSide,
    HighPass,
    LiveChannel,
    OneChannel,
    Pieces,
    Step,
    Trim,
    applied,
)
from tunesmith.data.sample import AudioRef
from tunesmith.texts import NOTHING, Message

_ROUNDS = 3
"""Silence shows only when an offset is gone, and equal channels when a side is turned over; then there is no more."""
_LEAD_S, _TAIL_S = 0.05, 0.3
"""Silence that a trim leaves: before an attack, and for the last of a reverberation to die away in."""


@dataclass(frozen=True)
class Mended:
    """One sound and what it needs.

    Attributes:
        ref: The file and span.
        facts: As measured after the steps.
        steps: The repairs, in order; none for a sound that needs none.
        refused: Why a repair was given up.
    """

    ref: AudioRef
    facts: ClipFacts
    steps: tuple[Step, ...] = ()
    refused: Message = NOTHING

    @property
    def settled(self) -> frozenset[str]:
        """The checks whose findings are no longer there."""
        done = {step.check for step in self.steps}
        return frozenset(done | ({mostly_silent.check.name} if silent_labels.check.name in done else set()))


def mended(ref: AudioRef, facts: ClipFacts, limits: CheckLimits, *, is_target: bool) -> Mended:
    """The repairs that a sound needs.

    Args:
        ref: The file and span.
        facts: What was measured of it.
        limits: Of the checks.
        is_target: Whether it is learnt; a prompt, which may sound as bad as it likes, only has its gaps filled.
    """
    steps: tuple[Step, ...] = ()
    for _ in range(_ROUNDS):
        done = {step.check for step in steps}
        new = tuple(step for step in _needed(facts, limits, is_target) if step.check not in done)
        if not new:
            break
        steps += new
        try:
            with repaired(ref, steps) as pieces:
                facts = measure_sound(pieces, facts.sample_rate)
        except BeyondRepairError as error:
            return Mended(ref, facts, (), error.reason)
    return Mended(ref, facts, steps)


@contextmanager
def repaired(ref: AudioRef, steps: tuple[Step, ...]) -> Iterator[Pieces]:
    """The pieces of a file or span after the steps; to be read inside of the block.

    Raises:
        UnreadableAudioError: when the file cannot be read.
        BeyondRepairError: while they are read.
    """
    with open_audio(ref.path, end=ref.end) as sound:
        yield applied(steps, blocks(sound, ref.path, ref.start, ref.end), sound.samplerate)


def is_sound(facts: ClipFacts, limits: CheckLimits) -> bool:
    """Whether there is something to hear, all of it in numbers; the level of anything else says nothing."""
    return facts.decoded and not facts.nonfinite and not _passed(mostly_silent.check, facts, limits)


def _needed(facts: ClipFacts, limits: CheckLimits, is_target: bool) -> Iterator[Step]:
    """The repairs that facts ask for, in the order in which they are done."""
    if not facts.decoded or facts.problem or facts.peak <= 0:
        return
    if facts.nonfinite:
        yield FillGaps(facts.nonfinite)
    if not is_target:
        return
    if facts.channels == 2:
        if _passed(dead_channel.check, facts, limits):
            yield LiveChannel(2 - facts.quietest_channel)
        elif _passed(antiphase.check, facts, limits):
            yield FlipSide(facts.side_db or 0.0)
        elif _passed(identical_channels.check, facts, limits):
            yield OneChannel()
    if _passed(dc_offset.check, facts, limits):
        yield HighPass(facts.dc)
    if trim := _trim(facts, limits):
        yield trim


def _passed(check: AudioCheck, facts: ClipFacts, limits: CheckLimits) -> bool:
    return check.passed(Audio("", facts, NOTHING), limits) is not None


def _trim(facts: ClipFacts, limits: CheckLimits) -> Trim | None:
    """A cut that leaves too little silence for a finding; ``None`` where none is needed, or none would help."""
    if not (_passed(silent_labels.check, facts, limits) or _passed(mostly_silent.check, facts, limits)):
        return None
    sound = facts.seconds - facts.silent_start - facts.silent_end
    most = limits.silent_ends_share * sound
    start = max(0.0, facts.silent_start - min(_LEAD_S, 0.1 * most))
    end = min(facts.seconds, facts.seconds - facts.silent_end + min(_TAIL_S, 0.5 * most))
    cut = facts.seconds - (end - start)
    silence_inside = facts.silent_share * facts.seconds - cut
    if end - start < limits.min_seconds or silence_inside > limits.silent_share * (end - start):
        return None
    return Trim(start, end, start, facts.seconds - end)
