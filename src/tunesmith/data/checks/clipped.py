"""Waveforms cut flat at the top."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when more than ``clipped_share`` of the samples lie in flat tops at the clip's peak."""
    limit = context.limits.clipped_share
    for audio in context.decoded():
        share = audio.facts.clipped_share
        if share > limit:
            yield Finding(
                check="clipped",
                level="warn",
                clip=audio.clip,
                message=(
                    f"{audio.subject} is clipped: {share:.2%} of its samples are cut flat at "
                    f"{audio.facts.peak:.2f}, over {limit:.2%}"
                ),
                value=100 * share,
                limit=100 * limit,
                unit="%",
                remedy="Export it at a lower level if the distortion is not meant.",
                message_zh=(
                    f"{audio.subject_zh}削波：{share:.2%} 的采样点在 {audio.facts.peak:.2f} 处被削平，超过 {limit:.2%}"
                ),
                remedy_zh="如果不是有意的失真，请降低音量重新导出。",
            )
