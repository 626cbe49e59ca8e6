"""Two channels that cancel each other out."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LEAST_CORRELATION = -0.9


def detect(signals: Signals) -> Reading | None:
    """Left-right correlation under -0.9: the clip vanishes on a mono speaker."""
    if not signals.live or not signals.stereo_corr < _LEAST_CORRELATION:
        return None
    text = msg(
        "The channels cancel out: correlation {stereo_corr:.2f} (limit {limit}).",
        stereo_corr=signals.stereo_corr,
        limit=_LEAST_CORRELATION,
    )
    return Reading(signals.stereo_corr, _LEAST_CORRELATION, "", text)


RULE = Rule(
    name="antiphase",
    severity="flaw",
    title=msg("Channels cancel out"),
    remedy=msg("Listen in mono: it nearly vanishes there. Invert one channel of the outputs, or mix them down."),
    detect=by_signals(detect),
    checks=("antiphase",),
)
