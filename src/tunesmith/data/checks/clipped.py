"""Waveforms cut flat at the top."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


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
                message=msg(
                    "{subject} is clipped: {share:.2%} of its samples are cut flat at {peak:.2f}, over {limit:.2%}",
                    subject=audio.subject,
                    share=share,
                    peak=audio.facts.peak,
                    limit=limit,
                ),
                value=100 * share,
                limit=100 * limit,
                unit="%",
                remedy=msg("Export it at a lower level if the distortion is not meant."),
            )
