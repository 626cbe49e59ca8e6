"""Files whose sample rate leaves no music, or cannot be true."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error under ``min_sample_rate`` and over ``max_sample_rate``."""
    low, high = context.limits.min_sample_rate, context.limits.max_sample_rate
    for audio in context.audios():
        rate = audio.facts.sample_rate
        if audio.facts.problem or low <= rate <= high:
            continue
        if rate < low:
            limit, remedy = low, msg("Use the original recording.")
            message = msg(
                "{subject} has a sample rate of {rate} Hz, under {limit} Hz",
                subject=audio.subject,
                rate=rate,
                limit=limit,
            )
        else:
            limit, remedy = high, msg("Export it at 48000 Hz, or mend its header.")
            message = msg(
                "{subject} has a sample rate of {rate} Hz, over {limit} Hz",
                subject=audio.subject,
                rate=rate,
                limit=limit,
            )
        yield Finding(
            check="sample_rate",
            level="error",
            clip=audio.clip,
            message=message,
            value=rate,
            limit=limit,
            unit="Hz",
            remedy=remedy,
        )
