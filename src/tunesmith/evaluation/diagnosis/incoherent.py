"""Sound without order: right timbres, wrong sequence."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LEAST_LIKENESS = 0.17
_LEAST_CONTINUITY = 0.1
_SHORTEST_S = 4.0  # below it there is no time for a phrase to come back


def detect(signals: Signals) -> Reading | None:
    """No moment resembles one 0.16-4 s later, or not even its neighbour 40 ms later."""
    if not signals.live or signals.duration_s < _SHORTEST_S:
        return None
    if signals.loop_sim < _LEAST_LIKENESS:
        text = msg(
            "No moment comes back: the greatest likeness at 0.16-4 s is {loop_sim:.2f} (limit {limit}).",
            loop_sim=signals.loop_sim,
            limit=_LEAST_LIKENESS,
        )
        return Reading(signals.loop_sim, _LEAST_LIKENESS, "", text)
    # A drone or a stuck loop also has unlike neighbours once its mean is removed; those have rules of their own.
    if signals.mel_adj_corr_c < _LEAST_CONTINUITY and signals.loop_sim < 0.5:
        text = msg(
            "Neighbouring moments (40 ms apart) are unrelated: likeness {mel_adj_corr_c:.2f} (limit {limit}).",
            mel_adj_corr_c=signals.mel_adj_corr_c,
            limit=_LEAST_CONTINUITY,
        )
        return Reading(signals.mel_adj_corr_c, _LEAST_CONTINUITY, "", text)
    return None


RULE = Rule(
    name="incoherent",
    severity="broken",
    title=msg("Incoherent"),
    remedy=msg(
        "Generate with generate.adapter_scale=0.5 and from an earlier checkpoint; if it goes away, take the weaker one."
    ),
    detect=by_signals(detect),
    profiles=("music",),
)
