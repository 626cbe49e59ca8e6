"""The training loop of both networks of the pocket: AdamW, a straight fall of the rate, a moving average, resumable."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tools.pocket.musicgen.pretrain import PretrainPlan, Trained, step
from tunesmith.files import atomic_path
from tunesmith.training.ema import Ema

AVERAGE = 0.999
SAVE_SECONDS = 120.0


def train(
    model: nn.Module, plan: PretrainPlan, loss_of: Callable[[int], torch.Tensor], *, peak: float, state: Path,
    report: Callable[[Trained, float], None],
) -> Trained:  # fmt: skip
    """Minimise the loss of one numbered batch after another; the network ends as the moving average of what it was.

    The state is saved every two minutes and on interruption, and taken up again.

    Args:
        model: Trained in place, all of it.
        plan: How long.
        loss_of: The loss of a batch by its number.
        peak: Highest learning rate.
        state: Where to keep the unfinished training.
        report: Called after each update with what was used and the share that is done.
    """
    model.requires_grad_(True).train()
    optimizer = _optimizer(model, peak)
    average = Ema(dict(model.named_parameters()), AVERAGE)
    used = _restore(model, optimizer, average, state)
    saved = time.monotonic()
    try:
        while (done := plan.fraction(used.updates, used.seconds)) < 1.0:
            began = time.monotonic()
            loss = loss_of(used.updates)
            step(optimizer, loss, _rate(peak, used.updates, done))
            used.updates += 1
            average.update(used.updates)
            used.loss = loss.item()
            used.seconds += time.monotonic() - began
            report(used, done)
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(model, optimizer, average, used, state)
                saved = time.monotonic()
    finally:
        _save(model, optimizer, average, used, state)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(average.shadow[name])
    model.requires_grad_(False).eval()
    return used


def _optimizer(model: nn.Module, peak: float) -> torch.optim.Optimizer:
    """AdamW; norms, biases and tables of codes are not decayed."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if p.dim() <= 1 or "embed" in name]
    chosen = {id(p) for p in plain}
    groups = [
        {"params": [p for _, p in named if id(p) not in chosen], "weight_decay": 0.05},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.95))


def _rate(peak: float, updates: int, done: float) -> float:
    """A rise over 200 updates or a twentieth of the training, then a straight fall to 2 % of the peak."""
    warm = min(1.0, max((updates + 1) / 200, done / 0.05))
    return peak * warm * (0.02 + 0.98 * (1 - done))


def _save(model: nn.Module, optimizer: torch.optim.Optimizer, average: Ema, used: Trained, path: Path) -> None:
    stored: dict[str, Any] = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    with atomic_path(path) as temporary:
        torch.save({**stored, "average": average.shadow, "used": vars(used)}, temporary)


def _restore(model: nn.Module, optimizer: torch.optim.Optimizer, average: Ema, path: Path) -> Trained:
    if not path.exists():
        return Trained()
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    average.shadow = stored["average"]
    average.parameters = dict(model.named_parameters())
    return Trained(**stored["used"])
