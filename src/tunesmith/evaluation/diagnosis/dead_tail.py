"""The sound stops early and the rest of the clip is (nearly) empty."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

LONGEST_S = 1.5


def detect(signals: Signals, context: Context) -> Reading | None:
    """At least 1.5 s at the end stay 20 dB under the loud level, or under -60 dBFS."""
    if not signals.live:
        return None
    tail = max(signals.dead_tail_s, signals.trail_sil_s)
    text = msg(
        "The last {tail:.1f} s are 20 dB or more under the loud level (limit {limit} s).", tail=tail, limit=LONGEST_S
    )
    z = context.z(signals, dead_tail_s=1, trail_sil_s=1)
    return Reading(tail, LONGEST_S, "s", text, absolute=tail >= LONGEST_S - 1e-6, z=z)


RULE = Rule(
    name="dead_tail",
    severity="broken",
    title=msg("Ends early"),
    remedy=msg(
        "Generate with generate.adapter_scale=0.5, and once at half the length: if the sound then goes "
        "on, the adapter learnt where to stop."
    ),
    detect=detect,
    speech_remedy=msg(
        "Generate with generate.adapter_scale=0.5: if the voice then goes on, the adapter learnt where to stop."
    ),
    checks=("silent_labels",),
)
