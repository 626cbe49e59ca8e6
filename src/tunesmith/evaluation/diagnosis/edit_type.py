"""Which kinds of edit got better, worse, or cannot be told apart from before."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.sample import CLONE
from tunesmith.evaluation.diagnosis.rule import NOTHING, Text
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding
from tunesmith.evaluation.paired import fewest_pairs
from tunesmith.evaluation.speech.edit_types import LOSS, Compared, EditType, by_edit_type
from tunesmith.evaluation.speech.signals import SpeechSignals

_NAMES = {
    "clone": "克隆",
    "emotion": "情绪",
    "style": "风格",
    "speed": "语速",
    "denoise": "降噪",
    "vad": "去静音",
    "paralinguistic": "副语言",
    "pronunciation": "发音",
}


def judge(run: RunData) -> list[RunFinding]:
    """One finding for each edit type that moved, one for all that did not, one for all that cannot be told."""
    types = edit_types(run)
    told = {j: [one for one in types if one.judgement == j] for j in ("worse", "better", "unchanged", "unknown")}
    return [
        *(_moved(one) for one in told["worse"] + told["better"]),
        *_kept(told["unchanged"]),
        *(_untold(told["unknown"], run) if run.base is not None else []),
    ]


def edit_types(run: RunData) -> list[EditType]:
    """Everything compared by edit type; empty in music, and where there is no base to compare with."""
    adapter = [s for s in run.adapter if isinstance(s, SpeechSignals)]
    base = None if run.base is None else [s for s in run.base if isinstance(s, SpeechSignals)]
    if not run.kinds or len(adapter) != len(run.kinds) or (base is not None and len(base) != len(adapter)):
        return []
    clips = [(k, s) for k, s in zip(run.clip_kinds, run.clips, strict=False) if isinstance(s, SpeechSignals)]
    return by_edit_type(run.kinds, base, adapter, clips, run.losses.by_type if run.losses else None)


def name_of(edit_type: str) -> Text:
    """An edit type as a reader knows it."""
    return Text(edit_type, _NAMES.get(edit_type, edit_type))


def _moved(one: EditType) -> RunFinding:
    worse = one.judgement == "worse"
    named = [c for c in one.compared if c.judgement == one.judgement]
    name = name_of(one.name)
    cloning = one.name == CLONE
    return RunFinding(
        rule=f"edit_type_{one.name}",
        kind="worse" if worse else "better",
        title=Text(f"Edit type: {name.en}", f"编辑类型：{name.zh}"),
        sentence=Text(
            f"Against the base model, {name.en} got {one.judgement}: {'; '.join(_en(c) for c in named)}.",
            f"与基础模型相比，{name.zh}{'变差' if worse else '变好'}：{'；'.join(_zh(c) for c in named)}。",
        ),
        evidence={"outputs": one.outputs} | {c.name: c.adapter - c.base for c in named},
        causes=(_CLONE_CAUSES if cloning else _EDIT_CAUSES) if worse else NOTHING,
        remedy=(_CLONE_REMEDY if cloning else _EDIT_REMEDY) if worse else NOTHING,
    )


def _en(c: Compared) -> str:
    moved = f"from {_number(c, c.base)} to {_number(c, c.adapter)}"
    return f"{c.title.en.lower()} {moved} ({_span(c)}, {c.difference.n} pairs)"


def _zh(c: Compared) -> str:
    span = _span(c).replace(" to ", " 至 ").replace(" points", " 个百分点")
    return f"{c.title.zh}从 {_number(c, c.base)} 变为 {_number(c, c.adapter)}（{span}，{c.difference.n} 对）"


def _number(c: Compared, value: float) -> str:
    if c.unit == "%":
        return f"{100 * value:.0f} %"
    if c.unit:
        return f"{value:.0f} {c.unit}"
    return f"{value:.3f}" if c.name == LOSS else f"{value:.2f}"


def _span(c: Compared) -> str:
    low, high = c.difference.low, c.difference.high
    if c.unit == "%":
        return f"{100 * low:+.0f} to {100 * high:+.0f} points"
    unit = f" {c.unit}" if c.unit else ""
    return f"{low:+.3g} to {high:+.3g}{unit}"


def _kept(types: Sequence[EditType]) -> list[RunFinding]:
    if not types:
        return []
    names = _names(types)
    return [
        RunFinding(
            rule="edit_types_kept",
            kind="same",
            title=Text("Edit types kept", "保住的编辑类型"),
            sentence=Text(
                f"Against the base model, no difference that matters in: {names.en}.",
                f"与基础模型相比没有实质差异：{names.zh}。",
            ),
            evidence={"edit_types": len(types)},
        )
    ]


def _untold(types: Sequence[EditType], run: RunData) -> list[RunFinding]:
    if not types:
        return []
    names, needed = _names(types), fewest_pairs()
    few = min(one.outputs for one in types) < needed
    count = needed * len(dict.fromkeys(run.kinds)) if few else 2 * len(run.kinds)
    return [
        RunFinding(
            rule="edit_types_unknown",
            kind="same",
            title=Text("Cannot be told", "无法判断"),
            sentence=Text(
                f"Not every measure of these edit types can be told from these outputs: {names.en}.",
                f"从这些输出无法判断以下编辑类型的全部指标：{names.zh}。",
            ),
            evidence={"outputs": min(one.outputs for one in types), "needed": needed},
            causes=Text(f"An interval needs {needed} pairs.", f"区间需要 {needed} 对输出。") if few else _SCATTER,
            remedy=Text(
                f"Hold out more samples of them, and set evaluate.count to {count}.",
                f"为它们留出更多样本，并把 evaluate.count 设为 {count}。",
            ),
        )
    ]


def _names(types: Sequence[EditType]) -> Text:
    names = [name_of(one.name) for one in types]
    return Text(", ".join(name.en for name in names), "、".join(name.zh for name in names))


_SCATTER = Text("The differences scatter too much.", "差异过于分散。")
_EDIT_CAUSES = Text(
    "Training on other kinds of samples: a model that is tuned on cloning alone forgets how to edit.",
    "训练数据以其他类型为主：只用克隆样本微调，模型会忘记如何编辑。",
)
_EDIT_REMEDY = Text(
    "Replay: name edit pairs of this type in data.replay (data.replay_share 0.2 is a start), or stop earlier and lower "
    "the adapter's scale.",
    "回放：在 data.replay 中给出此编辑类型的样本对（data.replay_share 可从 0.2 开始），或提前停止、降低适配器缩放。",
)
_CLONE_CAUSES = Text(
    "Too high a learning rate, transcripts that do not match, or too many passes over few clips.",
    "学习率过高、转写不匹配，或在少量片段上训练过久。",
)
_CLONE_REMEDY = Text(
    "Check the transcripts, train with a third of the learning rate, and try an earlier checkpoint.",
    "核对转写文本，以三分之一的学习率训练，并试试更早的检查点。",
)
