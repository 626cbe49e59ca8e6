"""The result has neither the prompt's voice nor the speaker's."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis import noisy_speech
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

# Between espeak-ng's voices, MFCC statistics stay under 0.2 in 71 %, within one voice in 0.8 % (across languages 8 %).
_LEAST_LIKENESS = 0.2


def detect(signals: Signals) -> Reading | None:
    """Likeness under 0.2 to the prompt's voice and to the speaker's other recordings, and no noise under the voice."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if signals.floor_db > noisy_speech.LOUDEST_DB:  # the vector tells the noise, not the voice
        return None
    known = [value for value in (signals.voice_prompt, signals.voice_own) if math.isfinite(value)]
    if not known or max(known) >= _LEAST_LIKENESS:
        return None
    text = msg(
        "Likeness to the voice asked for is {likeness:.2f} (limit {limit}; the same voice is over 0.5).",
        likeness=max(known),
        limit=_LEAST_LIKENESS,
    )
    return Reading(max(known), _LEAST_LIKENESS, "", text)


RULE = Rule(
    name="voice_lost",
    severity="flaw",
    title=msg("Another voice"),
    remedy=msg(
        "Check that prompt and target of each pair are the same person, and generate with generate.adapter_scale=0.5."
    ),
    detect=by_signals(detect),
    profiles=("speech",),
)
