"""What the processes of one run have to agree on, outside of an update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelerate import PartialState

    from tunesmith.training.run_state import RunState


def agreed_checkpoint(processes: PartialState, found: Path | None) -> Path | None:
    """The checkpoint that the main process chose; every process continues from the same one, or none does."""
    if processes.num_processes == 1:
        return found
    from torch import distributed

    chosen: list[Any] = [found]
    distributed.broadcast_object_list(chosen, src=0)
    checkpoint: Path | None = chosen[0]
    return checkpoint


def share_decision(run: RunState) -> None:
    """Send the main process's progress to all others: what was best, and whether the stage is over."""
    if run.state.accelerator.num_processes == 1:
        return
    from torch import distributed

    progress: list[Any] = [run.state.progress]
    distributed.broadcast_object_list(progress, src=0)
    run.state.progress = progress[0]
