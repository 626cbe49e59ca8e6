"""Silence before and after the sound, which would be trained on as if it were music."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


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
                message=msg(
                    "{subject} begins with {start:.1f} s and ends with {end:.1f} s of silence: {share:.0%} of what "
                    "would be learnt, over {limit:.0%}",
                    subject=audio.subject,
                    start=facts.silent_start,
                    end=facts.silent_end,
                    share=share,
                    limit=limit,
                ),
                value=100 * share,
                limit=100 * limit,
                unit="%",
                remedy=msg("Trim both ends: a model that is shown silence learns to fall silent."),
            )
