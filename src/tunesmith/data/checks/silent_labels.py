"""Silence before and after the sound, which would be trained on as if it were music."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when leading and trailing silence exceed ``silent_ends_share`` of a clip."""
    limit = context.limits.silent_ends_share
    for audio in context.decoded():
        facts = audio.facts
        share = (facts.silent_start + facts.silent_end) / facts.seconds
        if share > limit and facts.silent_share <= context.limits.silent_share:
            yield Finding(
                check="silent_labels",
                level="warn",
                clip=audio.clip,
                message=(
                    f"{audio.subject} begins with {facts.silent_start:.1f} s and ends with {facts.silent_end:.1f} s of "
                    f"silence: {share:.0%} of what would be learnt, over {limit:.0%}"
                ),
                value=100 * share,
                limit=100 * limit,
                unit="%",
                remedy="Trim both ends: a model that is shown silence learns to fall silent.",
                message_zh=(
                    f"{audio.subject_zh}开头有 {facts.silent_start:.1f} 秒、结尾有 {facts.silent_end:.1f} 秒静音，"
                    f"占训练内容的 {share:.0%}，超过 {limit:.0%}"
                ),
                remedy_zh="剪掉首尾静音：模型看到静音就会学会变静音。",
            )
