"""The clip sinks towards silence instead of ending where it was cut."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

DROP_DB = 4.0
_SLOPE_DB_PER_S = -0.5
_FALL_DB = {"music": 7.0, "speech": 10.0}  # over the clip; a short sentence falls by up to 9 dB
_TAU, _TAU_OF_SHORT = -0.5, -0.35
_SHORT_S = 7.0  # five seconds have ten pairs, of which chance turns a few around
_SHORTEST_S = 3.0  # below it a fade and a single decaying note are the same thing


def detect(signals: Signals, context: Context) -> Reading | None:
    """First to last third loses over 4 dB, and most later seconds are quieter than earlier ones.

    They fall at over 0.5 dB/s, and fast enough for 7 dB over a clip of music, 10 dB over one of speech. The end of a
    recording may fade.
    """
    if not signals.live or signals.duration_s < _SHORTEST_S or signals.at_end > 0:
        return None
    steady = signals.fade_tau < (_TAU if signals.duration_s >= _SHORT_S else _TAU_OF_SHORT)
    fall = -signals.fade_slope * signals.duration_s
    falling = steady and signals.fade_slope < _SLOPE_DB_PER_S and fall > _FALL_DB[context.profile]
    text = msg(
        "Loudness falls by {fade_drop3:.1f} dB from the first to the last third (limit {limit} "
        "dB), at {fade_slope:.2f} dB per second.",
        fade_drop3=signals.fade_drop3,
        limit=DROP_DB,
        fade_slope=-signals.fade_slope,
    )
    # A sentence falls by nature, the more the shorter it is: the person's own tell nothing of another text's.
    off = context.off(signals, fade_slope=-1, fade_drop3=1) if context.profile == "music" else None
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
