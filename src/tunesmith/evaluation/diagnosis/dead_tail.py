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
    causes=msg(
        "A padding or end token was learnt, fewer frames were decoded than asked for, or the codebooks' "
        "delays are not undone before decoding."
    ),
    remedy=msg(
        "Compare the frames asked for with the frames decoded; if they agree, mask the padding in the "
        "labels and trim silent endings from the data."
    ),
    detect=detect,
    speech=(
        msg(
            "Recordings that end in silence, so that silence is what follows the last word, or an end token "
            "that was not learnt."
        ),
        msg("Trim silent endings from the recordings, and see that every target ends with the end token."),
    ),
)
