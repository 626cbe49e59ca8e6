"""The treble is missing."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LOWEST_HZ, _LEAST_DROP_DB = 5000.0, 30.0
_LEAST_RATE = 16_000
_LEAST_OF_OWN = 0.6


def detect(signals: Signals, context: Context) -> Reading | None:
    """The spectrum ends under 5 kHz (music), or far under where that of the person's own clips does."""
    if not signals.live or signals.sample_rate < _LEAST_RATE:
        return None
    edge, off = signals.band_edge_hz, context.off(signals, band_edge_hz=-1)
    if off is not None and edge > _LEAST_OF_OWN * off.median:
        off = None  # clips that are all alike make a small step a large deviation
    ends = edge < _LOWEST_HZ and signals.band_drop_db > _LEAST_DROP_DB
    # Telephone speech is what it is; beside a person's own clips it is known what they sound like.
    absolute = ends and context.profile == "music" and context.reference is None
    text = msg(
        "Sounds muffled: nothing over {edge:.1f} kHz is left (limit {limit:.0f} kHz).",
        edge=edge / 1000,
        limit=_LOWEST_HZ / 1000,
    )
    return Reading(edge, _LOWEST_HZ, "Hz", text, absolute=absolute, off=off, unlike=msg("Duller than your own clips"))


RULE = Rule(
    name="dull",
    severity="flaw",
    title=msg("Dull"),
    remedy=msg(
        "Compare the codec's ceiling in the report; if that is bright, look for low-rate or lossy clips in the data "
        "and try an earlier checkpoint."
    ),
    detect=detect,
    profiles=("music",),
    checks=("upsampled", "lossy_source"),
)
