"""What the processes of one run have to agree on, outside of an update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from accelerate import PartialState

    from tunesmith.training.run_state import RunState


T = TypeVar("T")


def of_main(processes: PartialState, found: T) -> T:
    """What the main process found, so that all do the same: which checkpoint to go on from, which precision."""
    if processes.num_processes == 1:
        return found
    from torch import distributed

    agreed: list[T] = [found]
    distributed.broadcast_object_list(agreed, src=0)
    return agreed[0]


def share_decision(run: RunState) -> None:
    """Send the main process's progress to all others: what was best, and whether the stage is over."""
    if run.state.accelerator.num_processes == 1:
        return
    from torch import distributed

    progress: list[Any] = [run.state.progress]
    distributed.broadcast_object_list(progress, src=0)
    run.state.progress = progress[0]
