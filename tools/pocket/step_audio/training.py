"""How both networks of the pocket Step-Audio-EditX are pretrained: by the builders' loop, with a moving average."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from tools.pocket import pretraining
from tools.pocket.pretraining import PretrainPlan, Rate, Report, Trained, adamw

AVERAGE = 0.999


def train(
    model: nn.Module, plan: PretrainPlan, loss_of: Callable[[int], torch.Tensor], *, peak: float, state: Path,
    report: Report,
) -> Trained:  # fmt: skip
    """Train all of a network by :func:`tools.pocket.pretraining.train`; it ends as the moving average of what it was.

    Args:
        model: Trained in place, all of it.
        plan: How long.
        loss_of: The loss of a batch by its number.
        peak: Highest learning rate; it rises to it and falls straight to 2 % of it.
        state: Where to keep the unfinished training.
        report: Called after each update.
    """
    model.requires_grad_(True).train()
    rate = Rate(peak, floor=0.02, rise=200, straight=True)
    optimizer = adamw(model, peak, decay=0.05, undecayed=("embed",))
    used = pretraining.train(model, optimizer, plan, rate, loss_of, state=state, report=report, average=AVERAGE)
    model.requires_grad_(False).eval()
    return used
