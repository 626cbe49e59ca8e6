"""From one training stage to the next: its best weights stay, or those that it began with, or its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from tunesmith.texts import msg
from tunesmith.training.best import StageEnd, nothing_best_yet, stage_end
from tunesmith.training.processes import share_decision
from tunesmith.training.progress import stage_record
from tunesmith.training.run_state import RunState, save_model
from tunesmith.training.validation_loop import validate

if TYPE_CHECKING:
    from pathlib import Path

    from tunesmith.training.state import TrainState


def next_phase(run: RunState) -> None:
    """End the stage as :func:`tunesmith.training.best.stage_end` says, and measure where the next one begins."""
    state, best = run.state, run.context.folder.best
    ends = stage_end(stage_record(state.progress, state.stage.name))
    if ends == "last" and run.main:
        save_model(run, best, unmeasured_note(state), "best")
    state.accelerator.wait_for_everyone()
    finished = finish_phase(state, best, measured=ends != "last")
    with state.led() as here:
        if here:
            log_handover(run, finished, ends)
            validate(run)
    share_decision(run)
    state.accelerator.wait_for_everyone()


def log_handover(run: RunState, finished: dict[str, Any], ends: StageEnd) -> None:
    """Print which weights of a finished stage the next one begins with."""
    result = {
        "best": msg("its best was at update {update}", update=finished["best_update"]),
        "beginning": msg("it found nothing better than its beginning, and goes back to it"),
        "last": msg("it was not measured, and its last weights go on"),
    }[ends]
    over = msg(
        "stage {stage} is over after {updates} updates; {result}; now {next}",
        stage=finished["name"],
        updates=finished["updates"],
        result=result,
        next=run.state.stage.name,
    )
    run.log("stage", over)


def unmeasured_note(state: TrainState) -> str:
    """The note in the card of ``best_model`` after a stage that no held-out clip can measure."""
    return f"last weights of stage {state.stage.name}, which no held-out clip can measure"


def finish_phase(state: TrainState, best: Path, *, measured: bool) -> dict[str, Any]:
    """Put the weights in place that the next stage begins with, and make it the present one.

    Args:
        state: The run; its present stage is over and not the last.
        best: Where the best adapter so far lies, if there is one.
        measured: Whether held-out clips measured the stage; without them the next one begins with its last weights.

    Returns:
        The record of the finished stage.
    """
    progress, stage = state.progress, state.stage
    finished = stage_record(progress, stage.name)
    if measured:
        restore(state, best, stage.networks)
    state.progress = replace(
        progress,
        history=[*progress.history, finished],
        stage=progress.stage + 1,
        stage_began=progress.update,
        first_loss=None,
        **nothing_best_yet(),
    )
    return finished


@torch.no_grad()
def restore(state: TrainState, best: Path, networks: Sequence[str]) -> None:
    """Networks as the best checkpoint so far has them, or as they were before any training."""
    from tunesmith.adapters.files import load_adapter
    from tunesmith.adapters.full import tuning_of

    trained = {key: p for key, p in state.parameters.items() if key.network in networks}
    if best.exists():
        load_adapter(state.networks, best, only=networks)
    else:
        for network in networks:
            if tuning := tuning_of(state.networks[network]):
                tuning.load({}, best)
        for key, p in trained.items():
            if key in state.fresh:
                p.copy_(state.fresh[key])
    for key, p in trained.items():
        state.optimizer.state.pop(p, None)
        if state.ema is not None:
            state.ema.shadow[key].copy_(p)
