"""The result has neither the prompt's voice nor the speaker's."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals

# Between espeak-ng's voices, MFCC statistics stay under 0.2 in 71 %, within one voice in 0.8 % (across languages 8 %).
_LEAST_LIKENESS = 0.2


def look(signals: Signals, context: Context) -> Reading | None:
    """Likeness under 0.2 to the prompt's voice and to the speaker's other recordings."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    known = [value for value in (signals.voice_prompt, signals.voice_own) if math.isfinite(value)]
    if not known or max(known) >= _LEAST_LIKENESS:
        return None
    text = Text(
        f"Likeness to the voice asked for is {max(known):.2f} (limit {_LEAST_LIKENESS}; the same voice is over 0.5).",
        f"与目标音色的相似度为 {max(known):.2f}（限值 {_LEAST_LIKENESS}；同一音色通常高于 0.5）。",
    )
    return Reading(max(known), _LEAST_LIKENESS, "", text)


RULE = Rule(
    name="voice_lost",
    severity="flaw",
    title=Text("Another voice", "音色不符"),
    causes=Text(
        "Speaker labels that mix several people, prompts of another speaker than their targets, or an edit whose "
        "examples change the voice.",
        "说话人标签混入多人、提示音频与目标不是同一人，或编辑样本本身改变了音色。",
    ),
    remedy=Text(
        "Check that prompt and target of each pair are the same person; mix in clips of other speakers, or lower the "
        "adapter's scale.",
        "检查每对提示与目标是否为同一人；混入其他说话人的片段，或降低适配器缩放。",
    ),
    look=look,
    profiles=("speech",),
)
