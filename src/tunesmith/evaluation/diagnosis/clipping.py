"""Peaks cut off flat."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_CLIPPED = 0.003
_MOST_PILED = 40.0


def detect(signals: Signals, context: Context) -> Reading | None:
    """Over 0.3 % of the samples sit in flat runs at the peak or passed full scale, or amplitudes pile up under it."""
    if not signals.live:
        return None
    share = 100 * signals.clip_frac
    off = context.off(signals, clip_frac=1)
    absolute = signals.clip_frac > _MOST_CLIPPED or signals.peak_bin_ratio > _MOST_PILED
    text = msg(
        "{share:.2f} % of the samples are cut off at the peak or passed full scale (limit 0.3 %); the top of the range "
        "is {peak_bin_ratio:.0f} times fuller than what lies under it (limit 40).",
        share=share,
        peak_bin_ratio=signals.peak_bin_ratio,
    )
    if absolute and signals.clip_frac <= _MOST_CLIPPED:
        return Reading(signals.peak_bin_ratio, _MOST_PILED, "", text, off=off)
    return Reading(
        share,
        100 * _MOST_CLIPPED,
        "%",
        text,
        absolute=absolute,
        off=off,
        unlike=msg("More clipped than your own clips"),
    )


RULE = Rule(
    name="clipping",
    severity="flaw",
    title=msg("Clipped"),
    remedy=msg(
        "Generate with generate.adapter_scale=0.5 and from an earlier checkpoint: if it goes away, the "
        "adapter drives the sound too hard there."
    ),
    detect=detect,
    checks=("clipped",),
)
