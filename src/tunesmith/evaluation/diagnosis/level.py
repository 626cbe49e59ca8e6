"""Far quieter or louder than the person's own clips."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg


def detect(signals: Signals, context: Context) -> Reading | None:
    """4.5 spreads, at least 13.5 dB, from the loudness of the person's own clips; there is no fixed limit."""
    if not signals.live or signals.at_end > 0:
        return None
    quiet, loud = context.off(signals, lufs=-1), context.off(signals, lufs=1)
    if quiet is None or loud is None:
        return None
    off, unlike = (
        (quiet, msg("Quieter than your own clips")) if quiet.z > loud.z else (loud, msg("Louder than your own clips"))
    )
    text = msg("Loudness is {lufs:.0f} LUFS.", lufs=signals.lufs)
    return Reading(signals.lufs, off.limit, "LUFS", text, absolute=False, off=off, unlike=unlike)


RULE = Rule(
    name="level",
    severity="flaw",
    title=msg("Another level"),
    remedy=msg(
        "Bring the training clips to one level (tunesmith check --fix), and lower guidance if outputs are louder "
        "than those."
    ),
    detect=detect,
    checks=("loudness_outlier",),
)
