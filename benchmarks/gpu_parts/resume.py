"""An update, a checkpoint, a new process's state from it, another update: the same as two updates in a row.

Some of a GPU's sums have no fixed order, so two uninterrupted runs are compared first; an interrupted one may differ
from them as they do from one another.
"""

from __future__ import annotations

from functools import partial

import torch

from gpu_parts.bench import free, work_folder
from gpu_parts.cases import CASES, Case, Place
from gpu_parts.gradients import bench
from gpu_parts.steps import Figures, Step
from tunesmith.run.folder import RunFolder
from tunesmith.training import checkpoint
from tunesmith.training.loop import train_update
from tunesmith.training.state import TrainState

TIMES = 4.0
"""An interrupted run may be so many times as far off as two uninterrupted ones are from one another."""
Weights = dict[str, torch.Tensor]


def resume(place: Place) -> list[Step]:
    """Every pocket model in bf16, as a GPU trains by itself, and in fp32."""
    return [
        Step(f"{case.name}, {precision}", 6.0, partial(goes_on, case, precision, place))
        for precision in ("bf16", "fp32")
        for case in CASES
    ]


def goes_on(case: Case, precision: str, place: Place) -> Figures:
    """Two runs of two updates without a break, and one with."""
    begun, first = _two_updates(case, precision, place, broken=False)
    _, second = _two_updates(case, precision, place, broken=False)
    _, broken = _two_updates(case, precision, place, broken=True)
    spread, difference = _distance(second, first, begun), _distance(broken, first, begun)
    return {
        "equal": difference == 0,
        "difference": difference,
        "spread": spread,
        "moved": _distance(first, begun, {}) > 0,
        "ok": difference <= TIMES * spread and _distance(first, begun, {}) > 0,
    }


def _two_updates(case: Case, precision: str, place: Place, *, broken: bool) -> tuple[Weights, Weights]:
    """Trained weights at the beginning and after two updates."""
    free(place.device)
    state = bench(case, "pocket", place, precision)
    begun = _weights(state)
    _update(state)
    if broken:
        folder = RunFolder(work_folder(place, case.name, precision, "checkpoint")).create()
        saved = checkpoint.save(state, folder)
        state = bench(case, "pocket", place, precision)
        checkpoint.load(state, saved)
    _update(state)
    return begun, _weights(state)


def _update(state: TrainState) -> None:
    if not train_update(state).stepped:
        raise RuntimeError("the gradient was not finite")
    state.progress.update += 1


def _weights(state: TrainState) -> Weights:
    return {str(key): p.detach().float().cpu().clone() for key, p in state.parameters.items()}


def _distance(weights: Weights, other: Weights, origin: Weights) -> float:
    """Norm of the difference over the way from ``origin`` to ``other``; over nothing where there is none given."""
    apart = sum(float((value - other[name]).double().square().sum()) for name, value in weights.items())
    way = sum(float((other[name] - value).double().square().sum()) for name, value in origin.items())
    return (apart / way) ** 0.5 if way else apart**0.5
