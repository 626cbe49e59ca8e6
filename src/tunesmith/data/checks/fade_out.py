"""A set in which many clips fade away, so that the model would learn to fade."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_STEADY = -0.6


def check(context: CheckContext) -> Iterator[Finding]:
    """Info for each clip that falls steadily by ``fade_db``; a warning about the set over ``fade_share`` of them."""
    limits = context.limits
    fading = set()
    for audio in context.decoded():
        fall = audio.facts.fade_db
        if fall > limits.fade_db and audio.facts.fade_trend < _STEADY:
            fading.add(audio.clip)
            yield Finding(
                check="fade_out",
                level="info",
                clip=audio.clip,
                message=msg(
                    "{subject} fades: it loses {fall:.0f} dB from its first to its last third",
                    subject=audio.subject,
                    fall=fall,
                ),
                value=fall,
                limit=limits.fade_db,
                unit="dB",
                remedy=msg("Cut the fade away if music is meant to go on."),
            )
    share = len(fading) / max(1, len(context.clips))
    if share > limits.fade_share:
        yield Finding(
            check="fade_out",
            level="warn",
            clip="*",
            message=msg(
                "{share:.0%} of the clips fade out, over {limit:.0%}: the model would learn to fade",
                share=share,
                limit=limits.fade_share,
            ),
            value=100 * share,
            limit=100 * limits.fade_share,
            unit="%",
            remedy=msg("Cut clips from the middle of the music."),
        )
