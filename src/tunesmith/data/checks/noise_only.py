"""Clips that hold noise and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def is_noise(facts: ClipFacts, limits: CheckLimits) -> bool:
    """Whether more than ``noise_share`` of a clip is noise; its other faults are then beside the point."""
    return facts.noise_share is not None and facts.noise_share > limits.noise_share


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning for clips of noise alone: rain and machines may be what the model is to make."""
    limit = context.limits.noise_share
    for audio in context.decoded():
        share = audio.facts.noise_share
        if share is None or not is_noise(audio.facts, context.limits):
            continue
        yield Finding(
            check="noise_only",
            level="warn",
            clip=audio.clip,
            message=msg(
                "{subject} is noise: {share:.0%} of its stretches of 2 s have neither tones nor pulse, over "
                "{limit:.0%}",
                subject=audio.subject,
                share=share,
                limit=limit,
            ),
            value=100 * share,
            limit=100 * limit,
            unit="%",
            remedy=msg("Listen to it and remove it, unless noise is what the model is to make."),
        )
