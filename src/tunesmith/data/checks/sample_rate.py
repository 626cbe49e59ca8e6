"""Files whose sample rate leaves no music, or cannot be true."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Error under ``min_sample_rate`` and over ``max_sample_rate``."""
    low, high = context.limits.min_sample_rate, context.limits.max_sample_rate
    for audio in context.audios():
        rate = audio.facts.sample_rate
        if audio.facts.problem or low <= rate <= high:
            continue
        below = rate < low
        limit = low if below else high
        yield Finding(
            check="sample_rate",
            level="error",
            clip=audio.clip,
            message=f"{audio.subject} has a sample rate of {rate} Hz, {'under' if below else 'over'} {limit} Hz",
            value=rate,
            limit=limit,
            unit="Hz",
            remedy="Use the original recording." if below else "Export it at 48000 Hz, or mend its header.",
            message_zh=f"{audio.subject_zh}的采样率是 {rate} Hz，{'低于' if below else '高于'} {limit} Hz",
            remedy_zh="使用原始录音。" if below else "以 48000 Hz 重新导出，或修正文件头。",
        )
