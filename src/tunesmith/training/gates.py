"""Preflight gates: what must hold before GPU time is spent. Each stops real runs that went wrong for days."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from tunesmith.data.mapped_manifest import samples_on
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossAccumulator, LossResult
from tunesmith.recipe.models import GateAction
from tunesmith.records.metrics import GateStatus
from tunesmith.texts import Message, msg
from tunesmith.training.base_causes import causes
from tunesmith.training.probes import probe_clips, wrong_layout
from tunesmith.training.state import TrainState

PARITY = 0.05
"""Nats between training mode and evaluation mode at step 0; in half precision at least the rounding of the loss."""
HALF_ROUNDING = 2.0**-8
"""Of a number in bf16, relative to it: seven bits follow the first."""
TRAINED_SHARE = 0.9
_AT_ONCE = 1 << 16
"""Marks that are looked up together."""


@dataclass(frozen=True)
class GateResult:
    """What one gate saw."""

    name: str
    status: GateStatus
    message: Message
    value: float | None = None
    limit: float | None = None


def run_gates(state: TrainState, samples: Sequence[Sample]) -> list[GateResult]:
    """Run every gate that the recipe has not turned off."""
    batches, base = probe_clips(state)
    gates: dict[str, Callable[[], GateResult]] = {
        "base_loss": lambda: base_loss(state, batches, base),
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
            results.append(GateResult(name, "off", msg("turned off in the recipe")))
        else:
            results.append(_with_action(gate(), action))
    return results


def _with_action(result: GateResult, action: GateAction) -> GateResult:
    if result.status != "stop":
        return result
    return GateResult(result.name, action, result.message, result.value, result.limit)


def _result(
    name: str, ok: bool, message: Message, value: float | None = None, limit: float | None = None
) -> GateResult:
    return GateResult(name, "pass" if ok else "stop", message, value, limit)


def base_loss(state: TrainState, batches: Sequence[Batch], base: LossResult) -> GateResult:
    """The base model must know music: well below a uniform guess on the user's clips.

    A pocket model knows six synthetic styles, or a few words, and nothing of a person's own clips: there it warns.
    """
    level = state.family.objective.chance_loss()
    if level is None:
        return _result("base_loss", True, msg("this objective has no level of knowing nothing to compare with"))
    limit = state.family.objective.max_base_loss_ratio() * level
    numbers = {"loss": base.loss, "limit": limit, "level": level}
    measured = msg(
        "loss of the base model on your clips {loss:.2f}, limit {limit:.2f} (knowing nothing costs {level:.2f})",
        **numbers,
    )
    if base.loss <= limit:
        return _result("base_loss", True, measured, base.loss, limit)
    if state.family.checkpoint.pocket and math.isfinite(base.loss):
        return GateResult("base_loss", "warn", _unheard(state, measured), base.loss, limit)
    message = msg(
        "loss of the base model on your clips {loss:.2f}, limit {limit:.2f} (knowing nothing costs {level:.2f}); "
        "likeliest cause first: {causes}",
        causes=causes(state, batches, base, limit=limit, level=level),
        **numbers,
    )
    return _result("base_loss", False, message, base.loss, limit)


def layout(state: TrainState, batches: Sequence[Batch], base: LossResult) -> GateResult:
    """Every deliberately wrong reading must cost more than the right one; a pocket model may not know either."""
    wrong = wrong_layout(state, batches)
    if wrong is None:
        return _result("layout", True, msg("this family has no wrong layout to compare with"))
    name, loss = wrong
    message = msg(
        "loss {loss:.2f} in the model's own layout, {wrong:.2f} in a wrong one ({layout}); the right one must be lower",
        loss=base.loss,
        wrong=loss,
        layout=name,
    )
    if base.loss >= loss and state.family.checkpoint.pocket:
        return GateResult("layout", "warn", _unheard(state, message), base.loss, loss)
    return _result("layout", base.loss < loss, message, base.loss, loss)


def _unheard(state: TrainState, measured: Message) -> Message:
    if state.family.is_speech:
        return msg(
            "this tiny model has never heard such speech; it shows the road, not the sound ({measured})",
            measured=measured,
        )
    return msg(
        "this tiny model has never heard such music; it shows the road, not the sound ({measured})", measured=measured
    )


def train_equals_eval(state: TrainState, batches: Sequence[Batch], base: LossResult) -> GateResult:
    """Dropout left on in the base shows as a difference between the two modes before anything was trained."""
    meter = LossAccumulator()
    with torch.no_grad():
        for batch in batches:
            with state.accelerator.autocast():
                meter.add(state.family.objective.loss(state.active, state.to_device(batch), None))
    gap = abs(meter.result().loss - base.loss)
    limit = PARITY if state.precision == "fp32" else max(PARITY, HALF_ROUNDING * abs(base.loss))
    message = msg(
        "training-mode loss differs from evaluation-mode loss by {gap:.4f} at step 0, limit {limit}; more means "
        "dropout in the base",
        gap=gap,
        limit=limit,
    )
    return _result("train_equals_eval", gap <= limit, message, gap, limit)


def trained_frames(state: TrainState) -> GateResult:
    """Nearly every real frame must carry a target; an inverted mask leaves one in hundreds."""
    items, crops, _, _ = state.schedule.items(0)
    batch = state.family.objective.collate([state.train.read(i, crops[i]) for i in items], None)
    real = sum(crops[i].length for i in items)
    share = state.family.objective.trained_frames(batch) / real if real else 0.0
    message = msg(
        "{share:.1%} of the real frames are trained on, at least {least:.0%} wanted", share=share, least=TRAINED_SHARE
    )
    return _result("trained_frames", share >= TRAINED_SHARE, message, share, TRAINED_SHARE)


def warmup(state: TrainState) -> GateResult:
    """Warm-up may take 10 % of a stage; it is cut to that."""
    stage = next((stage for stage in state.stages if stage.warmup.cut), state.stages[0])
    done, limit = stage.warmup.updates, stage.updates * 0.1
    asked = done if stage.warmup.asked is None else stage.warmup.asked
    if stage.warmup.cut:
        message = msg(
            "warm-up {asked} of {updates} updates, cut to {done}", asked=asked, updates=stage.updates, done=done
        )
    else:
        message = msg("warm-up {asked} of {updates} updates", asked=asked, updates=stage.updates)
    return _result("warmup", not stage.warmup.cut, message, float(asked), limit)


def leakage(samples: Sequence[Sample]) -> GateResult:
    """No track, file span or clip may stand on both sides of the split (likeness by sound is the checks' work)."""
    shared = sorted(_shared_marks(samples_on(samples, "train"), samples_on(samples, "valid")))
    if shared:
        message = msg(
            "{count} tracks or files are in train and valid at once (first: {first})",
            count=len(shared),
            first=shared[0],
        )
    else:
        message = msg("{count} tracks or files are in train and valid at once", count=0)
    return _result("leakage", not shared, message, float(len(shared)), 0.0)


def _shared_marks(training: Sequence[Sample], held_out: Sequence[Sample]) -> set[str]:
    """Marks of both sides; only hashes of the held-out ones are kept, and those that agree are compared as they are."""
    hashes = np.unique(np.fromiter((hash(mark) for sample in held_out for mark in _marks(sample)), np.int64))
    marks = (mark for sample in training for mark in _marks(sample))
    alike: set[str] = set()
    while len(hashes) and (some := list(islice(marks, _AT_ONCE))):
        alike.update(some[place] for place in np.flatnonzero(np.isin(np.fromiter(map(hash, some), np.int64), hashes)))
    return {mark for sample in held_out for mark in _marks(sample) if mark in alike} if alike else alike


def _marks(sample: Sample) -> set[str]:
    # A prompt is only listened to: held-out speech is prompted by training clips on purpose.
    targets = sample.targets.values()
    spans = {f"{a.path}[{a.start:g}:{a.end}]" for a in targets}
    whole = all(a.start == 0 and a.end is None for a in targets)
    # A held-out part cut from within a track shares its source on purpose, with a gap between the parts.
    return {*spans, sample.source} if whole and sample.source else spans
