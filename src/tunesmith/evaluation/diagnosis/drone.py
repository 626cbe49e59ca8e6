"""One sound held without change."""

from __future__ import annotations

from tunesmith.audio.measure.spectrum import is_noise
from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_MOST_LIKENESS = 0.93
_LEAST_RANGE_DB = 0.5
_LEAST_FLUX_DB = 0.3  # an exact loop is as self-similar as a drone, but it moves: 0.4 and more, a drone under 0.05


def look(signals: Signals, context: Context) -> Reading | None:
    """Every moment resembles every other, or the level never moves (and it is not noise, which never moves either)."""
    if not signals.live or is_noise(signals.flatness, signals.flat_white, signals.fine_corr):
        return None
    if signals.lra < _LEAST_RANGE_DB:
        text = Text(
            f"Loudness stays within {signals.lra:.2f} dB (limit {_LEAST_RANGE_DB} dB).",
            f"响度变化只有 {signals.lra:.2f} dB（限值 {_LEAST_RANGE_DB} dB）。",
        )
        return Reading(signals.lra, _LEAST_RANGE_DB, "dB", text)
    if signals.loop_sim > _MOST_LIKENESS and signals.flux < _LEAST_FLUX_DB:
        text = Text(
            f"The sound hardly changes: likeness {signals.loop_sim:.2f} at {signals.loop_lag_s:.2f} s "
            f"(limit {_MOST_LIKENESS}).",
            f"声音几乎不变：间隔 {signals.loop_lag_s:.2f} 秒的相似度为 "
            f"{signals.loop_sim:.2f}（限值 {_MOST_LIKENESS}）。",
        )
        return Reading(signals.loop_sim, _MOST_LIKENESS, "", text)
    return None


RULE = Rule(
    name="drone",
    severity="broken",
    title=Text("Drone", "持续单音"),
    causes=Text(
        "Greedy or very cold sampling, or a model that collapsed onto one token.",
        "贪心或温度过低的采样，或模型塌缩到单一标记。",
    ),
    remedy=Text(
        "Sample with temperature 1 and top-k 250; if it stays, take an earlier checkpoint and lower the learning rate.",
        "以温度 1、top-k 250 采样；若仍如此，请改用更早的检查点并降低学习率。",
    ),
    look=look,
    speech=(
        Text(
            "A humming voice comes of an output head that was tied to the embeddings on loading, of a model that "
            "collapsed onto one audio token, or of too high a learning rate.",
            "嗡鸣声来自加载时输出层被错误地与词嵌入绑定、模型塌缩到单一音频标记，或学习率过高。",
        ),
        Text(
            "Generate with adapter scale 0: if the base hums too, its weights were loaded wrongly; else take an "
            "earlier checkpoint and lower the learning rate.",
            "以适配器缩放 0 生成：若基础模型也嗡鸣，说明权重加载有误；否则请改用更早的检查点并降低学习率。",
        ),
    ),
)
