"""The sound stops early and the rest of the clip is (nearly) empty."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

LONGEST_S = 1.5
_LONGEST_AFTER_A_SONG_S = 6.0


def detect(signals: Signals, context: Context) -> Reading | None:
    """At least 1.5 s at the end (6 s of a whole song) stay 20 dB under the loud level, or under -60 dBFS.

    The end of a recording may die away.
    """
    if not signals.live or signals.at_end > 0:
        return None
    tail, longest = (
        max(signals.dead_tail_s, signals.trail_sil_s),
        _LONGEST_AFTER_A_SONG_S if context.whole else LONGEST_S,
    )
    text = msg(
        "The last {tail:.1f} s are 20 dB or more under the loud level (limit {limit} s).", tail=tail, limit=longest
    )
    off = None if context.whole else context.off(signals, dead_tail_s=1, trail_sil_s=1)
    unlike = msg("Stops earlier than your own clips")
    return Reading(tail, longest, "s", text, absolute=tail >= longest - 1e-6, off=off, unlike=unlike)


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
