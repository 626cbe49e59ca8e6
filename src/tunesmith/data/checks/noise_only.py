"""Clips that hold noise and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_AS_STEADY_AS_NOISE = 0.8


def is_noise(facts: ClipFacts, limits: CheckLimits) -> bool:
    """Whether more than ``noise_share`` of a clip is noise; its other faults are then beside the point."""
    return facts.noise_share is not None and facts.noise_share > limits.noise_share


def check(context: CheckContext) -> Iterator[Finding]:
    """Error where the noise is as steady as a generator's; a warning where it moves, as rain and machines do."""
    limit = context.limits.noise_share
    for audio in context.decoded():
        share = audio.facts.noise_share
        if share is None or not is_noise(audio.facts, context.limits):
            continue
        steady = (audio.facts.steady_share or 0.0) > _AS_STEADY_AS_NOISE
        yield Finding(
            check="noise_only",
            level="error" if steady else "warn",
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
