"""The clip sinks towards silence instead of ending where it was cut."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

DROP_DB = 5.0
_SLOPE_DB_PER_S = -0.5
_TAU = -0.5
_SHORTEST_S = 3.0  # below it a fade and a single decaying note are the same thing


def detect(signals: Signals, context: Context) -> Reading | None:
    """First to last third loses over 5 dB, at over 0.5 dB/s, and most later seconds are quieter than earlier ones.

    The end of a recording may fade.
    """
    if not signals.live or signals.duration_s < _SHORTEST_S or signals.at_end > 0:
        return None
    falling = signals.fade_tau < _TAU and signals.fade_slope < _SLOPE_DB_PER_S
    text = msg(
        "Loudness falls by {fade_drop3:.1f} dB from the first to the last third (limit {limit} "
        "dB), at {fade_slope:.2f} dB per second.",
        fade_drop3=signals.fade_drop3,
        limit=DROP_DB,
        fade_slope=-signals.fade_slope,
    )
    off = context.off(signals, fade_slope=-1, fade_drop3=1)
    return Reading(
        signals.fade_drop3,
        DROP_DB,
        "dB",
        text,
        absolute=falling and signals.fade_drop3 > DROP_DB,
        off=off,
        unlike=msg("Falls faster than your own clips"),
    )


RULE = Rule(
    name="fade",
    severity="broken",
    title=msg("Fades out"),
    remedy=msg(
        "Generate with generate.adapter_scale=0.5 and from an earlier checkpoint: if the fade gets "
        "weaker, the adapter learnt it."
    ),
    detect=detect,
    checks=("fade_out", "silent_labels"),
)
