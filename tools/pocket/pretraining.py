"""The loop that all builders pretrain with: AdamW, a rise and a fall of the rate, an average, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tools.pocket.workplace import keep
from tunesmith.training.ema import Ema

SAVE_SECONDS = 60.0


@dataclass
class PretrainPlan:
    """How long to train: until ``updates`` or, when that is None, until ``minutes`` of training have passed."""

    minutes: float = 40.0
    updates: int | None = None

    def fraction(self, updates: int, seconds: float) -> float:
        """Share of the training that is done, from 0 to 1."""
        return updates / max(1, self.updates) if self.updates is not None else seconds / (60 * max(self.minutes, 1e-6))


@dataclass
class Trained:
    """What a training has used up so far."""

    updates: int = 0
    seconds: float = 0.0
    loss: float = math.nan


Report = Callable[[Trained, float], None]
"""Called after each update with what was used and the share that is done."""


@dataclass(frozen=True)
class Rate:
    """Learning rate: a rise, then a cosine (or a straight line) down to a share of the peak.

    Attributes:
        peak: The highest rate.
        floor: The last rate, as a share of the peak.
        rise: Updates that the rise takes.
        rise_share: Share of the training after which the rise is over at the latest.
        straight: The rate falls along a straight line.
    """

    peak: float
    floor: float
    rise: int
    rise_share: float = 0.05
    straight: bool = False

    def at(self, updates: int, done: float) -> float:
        """The rate after ``updates`` updates, with the share ``done`` of the training done."""
        warm = min(1.0, max((updates + 1) / self.rise, done / self.rise_share))
        left = 1 - done if self.straight else 0.5 * (1 + math.cos(math.pi * done))
        return self.peak * warm * (self.floor + (1 - self.floor) * left)


def adamw(model: nn.Module, peak: float, decay: float, undecayed: tuple[str, ...] = ()) -> torch.optim.Optimizer:
    """AdamW over what takes gradients; vectors and parameters with one of ``undecayed`` in their name do not decay."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if p.dim() <= 1 or any(part in name for part in undecayed)]
    chosen = {id(p) for p in plain}
    groups = [
        {"params": [p for _, p in named if id(p) not in chosen], "weight_decay": decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.95))


def train(
    model: nn.Module, optimizer: torch.optim.Optimizer, plan: PretrainPlan, rate: Rate,
    loss_of: Callable[[int], torch.Tensor], *, state: Path, report: Report, average: float | None = None,
) -> Trained:  # fmt: skip
    """Minimise the loss of one numbered batch after another.

    The state is saved every minute and on interruption, and taken up again. A batch is drawn from its own number, so a
    resumed training sees the same batches.

    Args:
        model: Trained in place; all of its state is kept for resuming.
        optimizer: Of the parameters that train.
        plan: How long.
        rate: The learning rate; a group of the optimizer may multiply it by its ``scale``.
        loss_of: The loss of a batch by its number.
        state: Where to keep the unfinished training.
        report: Called after each update.
        average: Decay of a moving average; the parameters end as that average.
    """
    moving = None if average is None else Ema(dict(model.named_parameters()), average)
    used = _restore(model, optimizer, moving, state)
    saved = time.monotonic()
    try:
        while (done := plan.fraction(used.updates, used.seconds)) < 1.0:
            began = time.monotonic()
            loss = loss_of(used.updates)
            step(optimizer, loss, rate.at(used.updates, done))
            used.updates += 1
            if moving is not None:
                moving.update(used.updates)
            used.loss = loss.item()
            used.seconds += time.monotonic() - began
            report(used, done)
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(model, optimizer, moving, used, state)
                saved = time.monotonic()
    finally:
        _save(model, optimizer, moving, used, state)
    if moving is not None:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(moving.shadow[name])
    return used


def step(optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> None:
    """One update at learning rate ``rate`` (times a group's ``scale``), gradients clipped at norm 1."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()


def _save(
    model: nn.Module, optimizer: torch.optim.Optimizer, moving: Ema[str] | None, used: Trained, path: Path
) -> None:
    stored: dict[str, Any] = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "used": vars(used)}
    keep(stored if moving is None else {**stored, "average": moving.shadow}, path)


def _restore(model: nn.Module, optimizer: torch.optim.Optimizer, moving: Ema[str] | None, path: Path) -> Trained:
    if not path.exists():
        return Trained()
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    if moving is not None:
        moving.shadow = stored["average"]
    return Trained(**stored["used"])
