"""Noise or hum under the voice that no pause sets free."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals

# On espeak-ng, noise 5 dB under the voice stands at -13 to -11 dB and 10 dB under it at -18 to -16; clean sentences
# stay under -20 dB, single words, which have no pauses, under -17. How many pauses a text has moves the number too, so
# that the person's own recordings of other texts set no limit.
_LOUDEST_DB = -14.0
_SHORTEST_S = 1.0


def look(signals: Signals, context: Context) -> Reading | None:
    """The quietest moments between words less than 14 dB under the voice."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if signals.spoken_s < _SHORTEST_S or not signals.floor_db > _LOUDEST_DB:
        return None
    text = Text(
        f"The quietest moments are only {-signals.floor_db:.0f} dB under the voice (limit {-_LOUDEST_DB:.0f} dB).",
        f"最安静处只比人声低 {-signals.floor_db:.0f} dB（限值 {-_LOUDEST_DB:.0f} dB）。",
    )
    return Reading(signals.floor_db, _LOUDEST_DB, "dB", text)


RULE = Rule(
    name="noisy_speech",
    severity="flaw",
    title=Text("Noise under the voice", "人声有底噪"),
    causes=Text(
        "Noise, hum or reverberation in the training recordings or the prompt, or a flow decoder trained too fast.",
        "训练录音或提示音频中有噪声、嗡声或混响，或流解码器学习率过高。",
    ),
    remedy=Text(
        "Use a clean prompt and clean recordings, and lower the flow decoder's learning rate.",
        "使用干净的提示音频和录音，并降低流解码器的学习率。",
    ),
    look=look,
    profiles=("speech",),
)
