"""What the model family finds in the texts: lyrics that its tokeniser cannot read or will cut."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Whatever the family finds; nothing when its weights are not on this machine yet."""
    if context.text_findings is not None:
        for clip in context.clips:
            yield from context.text_findings(clip.sample)
