"""Squashed: far too loud for its peaks."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LOUDEST_LUFS = -7.0
_LEAST_CREST_DB = 6.0


def detect(signals: Signals, context: Context) -> Reading | None:
    """Over -7 LUFS, or peaks less than 6 dB over the mean level."""
    if not signals.live:
        return None
    absolute = signals.lufs > _LOUDEST_LUFS or signals.crest_db < _LEAST_CREST_DB
    text = msg(
        "Peaks stand {crest_db:.1f} dB over the mean level (limit {limit:.0f} dB) at {lufs:.1f} "
        "LUFS (limit {loudest:.0f}).",
        crest_db=signals.crest_db,
        limit=_LEAST_CREST_DB,
        lufs=signals.lufs,
        loudest=_LOUDEST_LUFS,
    )
    off = context.off(signals, crest_db=-1)
    if absolute and signals.crest_db >= _LEAST_CREST_DB:
        return Reading(signals.lufs, _LOUDEST_LUFS, "LUFS", text, off=off)
    return Reading(
        signals.crest_db,
        _LEAST_CREST_DB,
        "dB",
        text,
        absolute=absolute,
        off=off,
        unlike=msg("More squashed than your own clips"),
    )


RULE = Rule(
    name="overdriven",
    severity="flaw",
    title=msg("Overdriven"),
    remedy=msg("Lower the guidance, or generate with generate.adapter_scale=0.7."),
    detect=detect,
)
