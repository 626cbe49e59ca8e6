"""Preflight gates: what must hold before GPU time is spent. Each stops real runs that went wrong for days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from tunesmith.data.sample import Sample
from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossAccumulator, LossResult
from tunesmith.recipe.models import GateAction
from tunesmith.training.state import TrainState
from tunesmith.training.validation import fixed_batches, fixed_items, measure

PARITY = 0.05
"""Nats between training mode and evaluation mode at step 0."""
TRAINED_SHARE = 0.9
PROBE_CLIPS = 8

GateStatus = Literal["pass", "warn", "stop", "off"]


@dataclass(frozen=True)
class GateResult:
    """What one gate saw."""

    name: str
    status: GateStatus
    message: str
    message_zh: str
    value: float | None = None
    limit: float | None = None


def run_gates(state: TrainState, samples: Sequence[Sample]) -> list[GateResult]:
    """Run every gate that the recipe has not turned off."""
    batches, base = probe_clips(state)
    gates: dict[str, Callable[[], GateResult]] = {
        "base_loss": lambda: base_loss(state, base),
        "layout": lambda: layout(state, batches, base),
        "train_equals_eval": lambda: train_equals_eval(state, batches, base),
        "trained_frames": lambda: trained_frames(state),
        "warmup": lambda: warmup(state),
        "leakage": lambda: leakage(samples),
    }
    results = []
    for name, gate in gates.items():
        action: GateAction = getattr(state.recipe.gates, name)
        if action == "off":
            results.append(GateResult(name, "off", "turned off in the recipe", "已在配方中关闭"))
        else:
            results.append(_with_action(gate(), action))
    return results


def probe_clips(state: TrainState) -> tuple[list[Batch], LossResult]:
    """A few clips that teach a network of the first stage, held-out ones where there are such, and their loss."""
    batches, base = [], LossResult(0.0, {})
    for clips in [one for one in (state.valid, state.train) if one is not None]:
        for limit in (PROBE_CLIPS, None):
            batches = fixed_batches(state.family, fixed_items(clips, limit), state.settings.batch_size)
            with state.measuring():
                base = measure(state, batches)
            if base.terms:
                return batches, base
    return batches, base


def _with_action(result: GateResult, action: GateAction) -> GateResult:
    if result.status == "pass":
        return result
    return GateResult(result.name, action, result.message, result.message_zh, result.value, result.limit)


def _result(
    name: str, ok: bool, texts: tuple[str, str], value: float | None = None, limit: float | None = None
) -> GateResult:
    return GateResult(name, "pass" if ok else "stop", *texts, value, limit)


def base_loss(state: TrainState, base: LossResult) -> GateResult:
    """The base model must know music: well below a uniform guess on the user's clips."""
    level = state.family.objective.chance_loss()
    if level is None:
        return _result(
            "base_loss",
            True,
            ("this objective has no level of knowing nothing to compare with", "该目标没有可比较的基准"),
        )
    limit = state.family.objective.max_base_loss_ratio() * level
    texts = (
        f"loss of the base model on your clips {base.loss:.2f}, limit {limit:.2f} (knowing nothing costs "
        f"{level:.2f}); "
        "above it, weights, codec or layout are wrong",
        f"基础模型在您的音频上的损失为 {base.loss:.2f}，上限 {limit:.2f}（一无所知的模型为 {level:.2f}）；"
        f"超过则说明权重、编解码器或布局有误",
    )
    return _result("base_loss", base.loss <= limit, texts, base.loss, limit)


def layout(state: TrainState, batches: Sequence[Batch], base: LossResult) -> GateResult:
    """Every deliberately wrong reading must cost more than the right one."""
    worst: tuple[str, float] | None = None
    for name, probe in state.family.objective.sanity_variants().items():
        meter = LossAccumulator()
        with state.measuring():
            for batch in batches:
                meter.add(probe(state.active, state.to_device(batch)))
        loss = meter.result().loss
        if worst is None or loss < worst[1]:
            worst = (name, loss)
    if worst is None:
        return _result(
            "layout", True, ("this family has no wrong layout to compare with", "该模型族没有可比较的错误布局")
        )
    texts = (
        f"loss {base.loss:.2f} in the model's own layout, {worst[1]:.2f} in a wrong one ({worst[0]}); the right "
        f"one must be lower",
        f"模型自身布局的损失 {base.loss:.2f}，错误布局（{worst[0]}）为 {worst[1]:.2f}；正确布局必须更低",
    )
    return _result("layout", base.loss < worst[1], texts, base.loss, worst[1])


def train_equals_eval(state: TrainState, batches: Sequence[Batch], base: LossResult) -> GateResult:
    """Dropout left on in the base shows as a difference between the two modes before anything was trained."""
    meter = LossAccumulator()
    with torch.no_grad():
        for batch in batches:
            with state.accelerator.autocast():
                meter.add(state.family.objective.loss(state.active, state.to_device(batch), None))
    gap = abs(meter.result().loss - base.loss)
    texts = (
        f"training-mode loss differs from evaluation-mode loss by {gap:.4f} at step 0, limit {PARITY}; "
        f"more means dropout in the base",
        f"第 0 步训练模式与评估模式的损失相差 {gap:.4f}，上限 {PARITY}；更大说明基础模型中仍有 dropout",
    )
    return _result("train_equals_eval", gap <= PARITY, texts, gap, PARITY)


def trained_frames(state: TrainState) -> GateResult:
    """Nearly every real frame must carry a target; an inverted mask leaves one in hundreds."""
    items, crops, _, _ = state.schedule.items(0)
    batch = state.family.objective.collate([state.train.read(i, crops[i]) for i in items], None)
    real = sum(crops[i].length for i in items)
    share = state.family.objective.trained_frames(batch) / real if real else 0.0
    texts = (
        f"{share:.1%} of the real frames are trained on, at least {TRAINED_SHARE:.0%} wanted",
        f"{share:.1%} 的真实帧参与训练，要求至少 {TRAINED_SHARE:.0%}",
    )
    return _result("trained_frames", share >= TRAINED_SHARE, texts, share, TRAINED_SHARE)


def warmup(state: TrainState) -> GateResult:
    """Warm-up may take 10 % of a stage; it is cut to that."""
    stage = next((stage for stage in state.stages if stage.warmup.cut), state.stages[0])
    done, asked = stage.warmup.updates, stage.warmup.asked
    limit = stage.updates * 0.1
    texts = (
        f"warm-up {asked if asked is not None else done} of {stage.updates} updates"
        + (f", cut to {done}" if stage.warmup.cut else ""),
        f"预热 {asked if asked is not None else done} / {stage.updates} 次更新"
        + (f"，缩短为 {done}" if stage.warmup.cut else ""),
    )
    return _result("warmup", not stage.warmup.cut, texts, float(asked if asked is not None else done), limit)


def leakage(samples: Sequence[Sample]) -> GateResult:
    """No track, file span or clip may stand on both sides of the split (likeness by sound is the checks' work)."""
    shared = sorted(_marks(samples, "train") & _marks(samples, "valid"))
    texts = (
        f"{len(shared)} tracks or files are in train and valid at once" + (f" (first: {shared[0]})" if shared else ""),
        f"{len(shared)} 个曲目或文件同时出现在训练集与验证集" + (f"（例如 {shared[0]}）" if shared else ""),
    )
    return _result("leakage", not shared, texts, float(len(shared)), 0.0)


def _marks(samples: Sequence[Sample], split: str) -> set[str]:
    marks: set[str] = set()
    for sample in samples:
        if sample.split != split:
            continue
        # A prompt is only listened to: held-out speech is prompted by training clips on purpose.
        targets = sample.targets.values()
        spans: list[Any] = [f"{a.path}[{a.start:g}:{a.end}]" for a in targets]
        whole = all(a.start == 0 and a.end is None for a in targets)
        # A held-out part cut from within a track shares its source on purpose, with a gap between the parts.
        marks |= {*spans, sample.source} if whole and sample.source else set(spans)
    return marks
