"""A set in which many clips fade away, so that the model would learn to fade."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding

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
                message=f"{audio.subject} fades: it loses {fall:.0f} dB from its first to its last third",
                value=fall,
                limit=limits.fade_db,
                unit="dB",
                remedy="Cut the fade away if music is meant to go on.",
                message_zh=f"{audio.subject_zh}逐渐变弱：从前三分之一到后三分之一降低 {fall:.0f} dB",
                remedy_zh="如果音乐应当继续，请剪掉淡出。",
            )
    share = len(fading) / max(1, len(context.clips))
    if share > limits.fade_share:
        yield Finding(
            check="fade_out",
            level="warn",
            clip="*",
            message=f"{share:.0%} of the clips fade out, over {limits.fade_share:.0%}: the model would learn to fade",
            value=100 * share,
            limit=100 * limits.fade_share,
            unit="%",
            remedy="Cut clips from the middle of the music.",
            message_zh=f"{share:.0%} 的片段会淡出，超过 {limits.fade_share:.0%}：模型会学会越来越弱",
            remedy_zh="从音乐中段截取片段。",
        )
