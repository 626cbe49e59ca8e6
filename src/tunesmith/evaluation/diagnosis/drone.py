"""One sound held without change."""

from __future__ import annotations

from tunesmith.audio.measure.noise_windows import is_noise
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_LIKENESS = 0.93
_LEAST_RANGE_DB = 0.5
_LEAST_FLUX_DB = 0.3  # an exact loop is as self-similar as a drone, but it moves: 0.4 and more, a drone under 0.05


def detect(signals: Signals) -> Reading | None:
    """Every moment resembles every other, or the level never moves (and it is not noise, which never moves either)."""
    if not signals.live or is_noise(signals.flatness, signals.flat_white, signals.fine_corr):
        return None
    if signals.lra < _LEAST_RANGE_DB:
        text = msg("Loudness stays within {lra:.2f} dB (limit {limit} dB).", lra=signals.lra, limit=_LEAST_RANGE_DB)
        return Reading(signals.lra, _LEAST_RANGE_DB, "dB", text)
    if signals.loop_sim > _MOST_LIKENESS and signals.flux < _LEAST_FLUX_DB:
        text = msg(
            "The sound hardly changes: likeness {loop_sim:.2f} at {loop_lag_s:.2f} s (limit {limit}).",
            loop_sim=signals.loop_sim,
            loop_lag_s=signals.loop_lag_s,
            limit=_MOST_LIKENESS,
        )
        return Reading(signals.loop_sim, _MOST_LIKENESS, "", text)
    return None


RULE = Rule(
    name="drone",
    severity="broken",
    title=msg("Drone"),
    remedy=msg(
        "Generate with generate.adapter_scale=0.5 and with sampling as the recipe's preset has it; if it "
        "stays, take an earlier checkpoint."
    ),
    detect=by_signals(detect),
    speech_remedy=msg(
        "Generate with generate.adapter_scale=0: if the base hums too, its weights were loaded wrongly; "
        "else take an earlier checkpoint."
    ),
)
