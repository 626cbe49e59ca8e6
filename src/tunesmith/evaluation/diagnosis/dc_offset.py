"""The waveform is not centred on zero."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST = 0.01
_MOST_RATIO = 0.05


def detect(signals: Signals, context: Context) -> Reading | None:
    """A channel's mean over 0.01 of full scale and over 5 % of the RMS."""
    if not signals.live:
        return None
    off = context.off(signals, dc=1)
    if signals.dc_ratio <= _MOST_RATIO:  # loud clips have larger means by chance
        off = None
    absolute = signals.dc > _MOST and signals.dc_ratio > _MOST_RATIO
    text = msg(
        "The mean is {dc:.3f} of full scale (limit {limit}), {dc_ratio:.0f} % of the level.",
        dc=signals.dc,
        limit=_MOST,
        dc_ratio=100 * signals.dc_ratio,
    )
    return Reading(signals.dc, _MOST, "", text, absolute=absolute, off=off)


RULE = Rule(
    name="dc_offset",
    severity="flaw",
    title=msg("DC offset"),
    remedy=msg("High-pass the outputs at 20 Hz: the offset is not heard, but it takes headroom."),
    detect=detect,
    checks=("dc_offset",),
)
