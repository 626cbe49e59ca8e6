"""Samples that are not numbers."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error for any NaN or infinite sample: one of them turns a whole training step into NaN."""
    for audio in context.audios():
        count = audio.facts.nonfinite
        if count:
            yield Finding(
                check="nan_samples",
                level="error",
                clip=audio.clip,
                message=msg(
                    "{subject} holds {count} samples that are not numbers (NaN or infinite), over 0",
                    subject=audio.subject,
                    count=count,
                ),
                value=count,
                limit=0,
                unit="samples",
                remedy=msg("Export it again."),
            )
