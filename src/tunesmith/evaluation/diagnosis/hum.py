"""Hum of the mains under the sound."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis import short_loop, stutter
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_FEWEST_LINES = 2
_LEAST_OVER_DB = 12.0


def detect(signals: Signals) -> Reading | None:
    """Two lines or more at multiples of 50 or 60 Hz stand out all the time, by 12 dB and more."""
    if not signals.live or signals.hum_lines < _FEWEST_LINES or not signals.hum_over_db > _LEAST_OVER_DB:
        return None
    if stutter.detect(signals) or short_loop.detect(signals):  # what comes back ten times a second has lines there too
        return None
    text = msg(
        "It hums: {lines:.0f} lines of the mains stand {over:.0f} dB over what lies beside them, all the time (limit "
        "{limit:.0f} dB).",
        lines=signals.hum_lines,
        over=signals.hum_over_db,
        limit=_LEAST_OVER_DB,
    )
    return Reading(signals.hum_over_db, _LEAST_OVER_DB, "dB", text)


RULE = Rule(
    name="hum",
    severity="flaw",
    title=msg("Hums"),
    remedy=msg("Take hum out of the training clips with a notch filter at each multiple of the mains."),
    detect=by_signals(detect),
    checks=("hum",),
)
