"""The sound stops early and the rest of the clip is (nearly) empty."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

LONGEST_S = 1.5


def look(signals: Signals, context: Context) -> Reading | None:
    """At least 1.5 s at the end stay 20 dB under the loud level, or under -60 dBFS."""
    if not signals.live:
        return None
    tail = max(signals.dead_tail_s, signals.trail_sil_s)
    text = Text(
        f"The last {tail:.1f} s are 20 dB or more under the loud level (limit {LONGEST_S} s).",
        f"最后 {tail:.1f} 秒比响亮部分低 20 dB 以上（限值 {LONGEST_S} 秒）。",
    )
    z = context.z(signals, dead_tail_s=1, trail_sil_s=1)
    return Reading(tail, LONGEST_S, "s", text, absolute=tail >= LONGEST_S - 1e-6, z=z)


RULE = Rule(
    name="dead_tail",
    severity="broken",
    title=Text("Ends early", "提前结束"),
    causes=Text(
        "A padding or end token was learnt, fewer frames were decoded than asked for, or the codebooks' delays are "
        "not undone before decoding.",
        "学到了填充或结束标记、解码的帧数少于要求，或解码前没有还原各码本的延迟。",
    ),
    remedy=Text(
        "Compare the frames asked for with the frames decoded; if they agree, mask the padding in the labels and trim "
        "silent endings from the data.",
        "比较要求的帧数与实际解码的帧数；若一致，请在标签中屏蔽填充，并剪掉数据中的静音结尾。",
    ),
    look=look,
    speech=(
        Text(
            "Recordings that end in silence, so that silence is what follows the last word, or an end token that was "
            "not learnt.",
            "录音以静音结尾，使模型认为最后一个词之后是静音；或没有学到结束标记。",
        ),
        Text(
            "Trim silent endings from the recordings, and see that every target ends with the end token.",
            "剪掉录音末尾的静音，并确认每个目标都以结束标记收尾。",
        ),
    ),
)
