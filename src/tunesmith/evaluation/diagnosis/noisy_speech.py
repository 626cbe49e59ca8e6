"""Noise or hum under the voice that no pause sets free."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

# On espeak-ng, noise 5 dB under the voice stands at -13 to -11 dB and 10 dB under it at -18 to -16; clean sentences
# stay under -20 dB, single words, which have no pauses, under -17. How many pauses a text has moves the number too, so
# that the person's own recordings of other texts set no limit.
LOUDEST_DB = -14.0
_SHORTEST_S = 1.0


def detect(signals: Signals) -> Reading | None:
    """The quietest moments between words less than 14 dB under the voice."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if signals.spoken_s < _SHORTEST_S or not signals.floor_db > LOUDEST_DB:
        return None
    text = msg(
        "The quietest moments are only {floor_db:.0f} dB under the voice (limit {limit:.0f} dB).",
        floor_db=-signals.floor_db,
        limit=-LOUDEST_DB,
    )
    return Reading(signals.floor_db, LOUDEST_DB, "dB", text)


RULE = Rule(
    name="noisy_speech",
    severity="flaw",
    title=msg("Noise under the voice"),
    remedy=msg(
        "Listen to the prompt first: its noise comes back. Use a clean one, or generate with "
        "generate.adapter_scale=0.5."
    ),
    detect=by_signals(detect),
    profiles=("speech",),
    checks=("noisy_speech", "hiss"),
)
