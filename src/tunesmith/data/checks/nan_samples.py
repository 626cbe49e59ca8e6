"""Samples that are not numbers."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Error for any NaN or infinite sample: one of them turns a whole training step into NaN."""
    for audio in context.audios():
        count = audio.facts.nonfinite
        if count:
            yield Finding(
                check="nan_samples",
                level="error",
                clip=audio.clip,
                message=f"{audio.subject} holds {count} samples that are not numbers (NaN or infinite), over 0",
                value=count,
                limit=0,
                unit="samples",
                remedy="Export it again.",
                message_zh=f"{audio.subject_zh}含有 {count} 个非数值采样（NaN 或无穷大），上限为 0",
                remedy_zh="重新导出。",
            )
