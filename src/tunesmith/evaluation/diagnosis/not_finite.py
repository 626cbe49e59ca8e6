"""The audio holds values that are no numbers."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg


def detect(signals: Signals) -> Reading | None:
    """Any NaN or infinite sample."""
    if signals.nonfinite <= 0:
        return None
    share = 100 * signals.nonfinite
    text = msg("{share:.3g} % of the samples are NaN or infinite (limit 0).", share=share)
    return Reading(share, 0.0, "%", text)


RULE = Rule(
    name="not_finite",
    severity="broken",
    title=msg("Broken numbers"),
    remedy=msg("Generate in float32; if it stays, take an earlier checkpoint."),
    detect=by_signals(detect),
)
