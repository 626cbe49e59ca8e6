"""The result has neither the prompt's voice nor the speaker's."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.speech.speaker_vector import LEAST_SPOKEN_S
from tunesmith.texts import msg

# The limit is that of the speaker vector which measured. Between espeak-ng's voices, MFCC statistics stay under theirs,
# 0.2, in 71 %, within one voice in 0.8 % (across languages 8 %).
LOUDEST_FLOOR_DB = -17.0
"""With noise 10 dB under it, a voice stands at -18 to -13 dB; `noisy_speech` and `mos` tell of that."""


def detect(signals: Signals) -> Reading | None:
    """Neither the prompt's voice nor that of the speaker's other recordings, in enough speech and without noise."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if (
        signals.spoken_s < LEAST_SPOKEN_S or signals.floor_db > LOUDEST_FLOOR_DB
    ):  # the vector tells the word, or the noise
        return None
    known = [value for value in (signals.voice_prompt, signals.voice_own) if math.isfinite(value)]
    if not known or max(known) >= signals.voice_limit:
        return None
    text = msg(
        "Likeness to the voice asked for is {likeness:.2f}; under {limit:g} it is another voice.",
        likeness=max(known),
        limit=signals.voice_limit,
    )
    return Reading(max(known), signals.voice_limit, "", text)


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
