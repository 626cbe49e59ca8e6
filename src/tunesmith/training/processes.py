"""What the processes of one run have to agree on, outside of an update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.training.run_state import RunState
    from tunesmith.training.state import TrainState


def agreed_checkpoint(state: TrainState, mine: Path | None) -> Path | None:
    """The checkpoint that the main process chose; every process continues from the same one, or none does."""
    if state.accelerator.num_processes == 1:
        return mine
    from torch import distributed

    chosen: list[Any] = [mine]
    distributed.broadcast_object_list(chosen, src=0)
    checkpoint: Path | None = chosen[0]
    return checkpoint


def share_decision(run: RunState) -> None:
    """Every process learns where the main one stands: what was best, and whether the stage is over."""
    if run.state.accelerator.num_processes == 1:
        return
    from torch import distributed

    verdict: list[Any] = [run.state.progress]
    distributed.broadcast_object_list(verdict, src=0)
    run.state.progress = verdict[0]
