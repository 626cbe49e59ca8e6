"""Squashed: far too loud for its peaks."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_LOUDEST_LUFS = -7.0
_LEAST_CREST_DB = 6.0


def look(signals: Signals, context: Context) -> Reading | None:
    """Over -7 LUFS, or peaks less than 6 dB over the mean level."""
    if not signals.live:
        return None
    absolute = signals.lufs > _LOUDEST_LUFS or signals.crest_db < _LEAST_CREST_DB
    text = Text(
        f"Peaks stand {signals.crest_db:.1f} dB over the mean level (limit {_LEAST_CREST_DB:.0f} dB) at "
        f"{signals.lufs:.1f} LUFS (limit {_LOUDEST_LUFS:.0f}).",
        f"峰值只比平均电平高 {signals.crest_db:.1f} dB（限值 {_LEAST_CREST_DB:.0f} dB），"
        f"响度 {signals.lufs:.1f} LUFS（限值 {_LOUDEST_LUFS:.0f}）。",
    )
    z = context.z(signals, crest_db=-1)
    return Reading(signals.crest_db, _LEAST_CREST_DB, "dB", text, absolute=absolute, z=z)


RULE = Rule(
    name="overdriven",
    severity="flaw",
    title=Text("Overdriven", "过载"),
    causes=Text(
        "Very loud, limited training masters; guidance or adapter scale too high.",
        "训练素材响度过高并经过强限幅；引导系数或适配器缩放过大。",
    ),
    remedy=Text(
        "Lower guidance to 3 and the adapter's scale to 0.7, and normalise the training clips to about -16 LUFS.",
        "把引导系数降到 3、适配器缩放降到 0.7，并把训练片段归一化到约 -16 LUFS。",
    ),
    look=look,
)
