"""What one training phase hands on to the next: its best weights, or those it began with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path

    from tunesmith.training.state import TrainState


def finish_phase(state: TrainState, best: Path, *, measured: bool) -> dict[str, Any]:
    """Hand on what the present stage found, and go to the next one.

    Args:
        state: The run; its present stage is over and not the last.
        best: Where the best adapter so far lies, if there is one.
        measured: Whether there are held-out clips, without which the last weights are handed on as they are.

    Returns:
        What is worth telling of the finished stage.
    """
    progress, stage, told = state.progress, state.stage, phase_record(state)
    progress.history.append(told)
    if measured:
        restore(state, best, stage.networks)
    progress.stage, progress.stage_began = progress.stage + 1, progress.update
    progress.best_loss = progress.best_update = progress.first_loss = None
    progress.without_best, progress.finished = 0, False
    return told


def phase_record(state: TrainState) -> dict[str, Any]:
    """What the present stage did so far: its name, updates, first and best held-out loss."""
    progress = state.progress
    return {
        "name": state.stage.name,
        "updates": progress.update - progress.stage_began,
        "first_loss": progress.first_loss,
        "best_loss": progress.best_loss,
        "best_update": progress.best_update,
    }


@torch.no_grad()
def restore(state: TrainState, best: Path, networks: Sequence[str]) -> None:
    """Networks as the best checkpoint so far has them, or as they were before any training."""
    from tunesmith.adapters import peft_adapter as adapters
    from tunesmith.adapters.full import tuning_of

    mine = {name: p for name, p in state.parameters.items() if name.split(".", 1)[0] in networks}
    if best.exists():
        adapters.load_adapter(state.networks, best, only=networks)
    else:
        for network in networks:
            if tuning := tuning_of(state.networks[network]):
                tuning.load({}, best)
        for name, p in mine.items():
            if name in state.fresh:
                p.copy_(state.fresh[name])
    for name, p in mine.items():
        state.optimizer.state.pop(p, None)
        if state.ema is not None:
            state.ema.shadow[name].copy_(p)
