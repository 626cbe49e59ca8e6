"""Beeps: the watermark of a shop, a censor's tone, a test signal."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import Audio, CheckContext
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

_SAME_PITCH = 0.01
_BEEPS_PER_PITCH = 2
"""Fewer tones for each pitch are a tune."""
_OF_THE_MUSIC = 0.5
"""Where more of the clips have one tone, it is an instrument of theirs."""
_FEWEST_CLIPS = 4


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning for pure tones of one pitch, twice in a clip or once very clearly, unless half of the set has them."""
    found = [audio for audio in context.decoded() if beeps(audio, context.limits)]
    for audio in found:
        hz = audio.facts.beep_hz
        same = {other.clip for other in found if abs(other.facts.beep_hz / hz - 1) < _SAME_PITCH}
        if len(context.clips) >= _FEWEST_CLIPS and len(same) > _OF_THE_MUSIC * len(context.clips):
            continue
        yield Finding(
            check="beep",
            level="warn",
            clip=audio.clip,
            message=_says(audio, len(same) - 1),
            value=audio.facts.beep_over_db,
            limit=context.limits.beep_over_db,
            unit="dB",
            remedy=msg("Listen there: use the clip without its watermark, or cut the tone out."),
        )


def beeps(audio: Audio, limits: CheckLimits) -> bool:
    """Whether its pure tones are beeps: several of few pitches, or a single clear one."""
    facts = audio.facts
    several = facts.beeps >= _BEEPS_PER_PITCH * max(1, facts.beep_pitches)
    return several or (facts.beep_pitches == 1 and facts.beep_over_db > limits.beep_over_db)


def _says(audio: Audio, others: int) -> Message:
    facts = audio.facts
    known = {
        "subject": audio.subject,
        "hz": facts.beep_hz,
        "count": facts.beeps,
        "start": facts.beep_start,
        "over": facts.beep_over_db,
    }
    if others:
        return msg(
            "a pure tone of {hz:.0f} Hz sounds {count} times in {subject}, first at {start:.1f} s and {over:.0f} dB "
            "over what lies beside it; {others} other clips have it too: a watermark or a test tone",
            others=others,
            **known,
        )
    return msg(
        "a pure tone of {hz:.0f} Hz sounds {count} times in {subject}, first at {start:.1f} s and {over:.0f} dB over "
        "what lies beside it: a beep, a watermark or a test tone",
        **known,
    )
