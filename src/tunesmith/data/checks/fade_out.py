"""A set in which many clips fade away, so that the model would learn to fade."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import Audio, CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import NOTHING, Message, msg

_STEADY = -0.6


def check(context: CheckContext) -> Iterator[Finding]:
    """Info for each clip that falls steadily by ``fade_db``; a warning about the set over ``fade_share`` of them."""
    limits = context.limits
    fading, ends = set(), set()
    for audio in context.decoded():
        fall = audio.facts.fade_db
        if fall > limits.fade_db and audio.facts.fade_trend < _STEADY:
            fading.add(audio.clip)
            is_end = _is_end(context, audio)
            ends |= {audio.clip} if is_end else set()
            yield Finding(
                check="fade_out",
                level="info",
                clip=audio.clip,
                message=_says(audio, fall, is_end=is_end),
                value=fall,
                limit=limits.fade_db,
                unit="dB",
                remedy=msg("Cut the fade away if music is meant to go on."),
            )
    share = len(fading) / max(1, len(context.clips))
    counted = msg(" ({ends} of them are the ends of longer recordings)", ends=len(ends)) if ends else NOTHING
    if share > limits.fade_share:
        yield Finding(
            check="fade_out",
            level="warn",
            clip="*",
            message=msg(
                "{share:.0%} of the clips fade out{ends}, over {limit:.0%}: the model would learn to fade",
                share=share,
                ends=counted,
                limit=limits.fade_share,
            ),
            value=100 * share,
            limit=100 * limits.fade_share,
            unit="%",
            remedy=msg("Cut clips from the middle of the music."),
        )


def _is_end(context: CheckContext, audio: Audio) -> bool:
    """Whether the clip is the end of a longer recording."""
    clip = context.by_id[audio.clip]
    refs = [clip.sample.audios[role] for role, facts in clip.facts.items() if facts is audio.facts]
    return any(ref.is_end_of(audio.facts.file_seconds, audio.facts.seconds) for ref in refs)


def _says(audio: Audio, fall: float, *, is_end: bool) -> Message:
    if is_end:
        return msg(
            "{subject} is the end of its recording and fades: it loses {fall:.0f} dB from its first to its last third",
            subject=audio.subject,
            fall=fall,
        )
    return msg(
        "{subject} fades: it loses {fall:.0f} dB from its first to its last third", subject=audio.subject, fall=fall
    )
