"""What is different where training goes on from a checkpoint under a recipe, or on clips, that have changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunesmith.records.checkpoint_state import CLIPS
from tunesmith.texts import msg
from tunesmith.training.best import nothing_best_yet
from tunesmith.training.candidate import judge_candidates
from tunesmith.training.held_out import loss_of_adapter
from tunesmith.training.processes import share_decision
from tunesmith.training.run_state import RunState
from tunesmith.training.start import Start

OTHER_WINDOWS = frozenset({CLIPS, "data.max_seconds", "data.min_crop_seconds"})
"""What decides which sound is held out, so that losses from before cannot be compared with those from now on."""


def go_on(run: RunState, start: Start, last: Path) -> None:
    """Say where training goes on and what differs, and make the best so far comparable again."""
    where = run.state.progress.update
    run.tracker.event("resumed", where, msg("continued from update {update}", update=where))
    run.context.console.log(msg("continuing from {checkpoint}", checkpoint=str(last)))
    for line in start.said:
        run.log("changed", line)
    if start.longer:
        run.state.progress = replace(run.state.progress, finished=False, without_best=0)
    with run.state.led() as here:
        if here and not run.requests:  # nothing judges it any more
            judge_candidates(run)
    if OTHER_WINDOWS.intersection(start.accepted):
        measure_best_again(run)


def measure_best_again(run: RunState) -> None:
    """The best adapter so far, measured on the clips that are held out now: later ones have to beat that."""
    state, best = run.state, run.context.folder.best
    with state.led() as here:
        if here:
            judge_candidates(run)
            loss = loss_of_adapter(run, best) if best.exists() else None
            kept = state.progress.best_update
            state.progress = replace(state.progress, **nothing_best_yet(loss))
            state.progress.best_update = kept if loss is not None else None
            if loss is not None:
                run.log("changed", msg("the best adapter so far has a held-out loss of {loss:.4f} on them", loss=loss))
    share_decision(run)
