"""Sound without order: right timbres, wrong sequence."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_LEAST_LIKENESS = 0.17
_LEAST_CONTINUITY = 0.1
_SHORTEST_S = 4.0  # below it there is no time for a phrase to come back


def look(signals: Signals, context: Context) -> Reading | None:
    """No moment resembles one 0.16-4 s later, or not even its neighbour 40 ms later."""
    if not signals.live or signals.duration_s < _SHORTEST_S:
        return None
    if signals.loop_sim < _LEAST_LIKENESS:
        text = Text(
            f"No moment comes back: the greatest likeness at 0.16-4 s is {signals.loop_sim:.2f} "
            f"(limit {_LEAST_LIKENESS}).",
            f"没有任何段落再现：0.16–4 秒间隔的最大相似度为 {signals.loop_sim:.2f}（限值 {_LEAST_LIKENESS}）。",
        )
        return Reading(signals.loop_sim, _LEAST_LIKENESS, "", text)
    # A drone or a stuck loop also has unlike neighbours once its mean is removed; those have rules of their own.
    if signals.mel_adj_corr_c < _LEAST_CONTINUITY and signals.loop_sim < 0.5:
        text = Text(
            f"Neighbouring moments (40 ms apart) are unrelated: likeness {signals.mel_adj_corr_c:.2f} "
            f"(limit {_LEAST_CONTINUITY}).",
            f"相邻时刻（相隔 40 毫秒）互不相关：相似度 {signals.mel_adj_corr_c:.2f}（限值 {_LEAST_CONTINUITY}）。",
        )
        return Reading(signals.mel_adj_corr_c, _LEAST_CONTINUITY, "", text)
    return None


RULE = Rule(
    name="incoherent",
    severity="broken",
    title=Text("Incoherent", "缺乏连贯"),
    causes=Text(
        "Labels shifted against their inputs, too little training, crops too short to hold a phrase, or sampling at "
        "too high a temperature.",
        "标签与输入错位、训练不足、截取片段短得容不下一个乐句，或采样温度过高。",
    ),
    remedy=Text(
        "See whether the base model's held-out loss is sane before the first step; if it is, train longer on crops of "
        "10 s or more, and sample with top-k 250 and temperature 1.",
        "先看第一步之前基础模型的留出损失是否正常；若正常，请用 10 秒以上的片段训练更久，并以 top-k 250、温度 1 采样。",
    ),
    look=look,
    profiles=("music",),
)
