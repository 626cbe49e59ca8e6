"""Weights of the lowest held-out loss while they wait for previews to judge them, and what becomes of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder
from tunesmith.records.checkpoint_state import CheckpointState
from tunesmith.records.metrics import ValidLine
from tunesmith.run.folder import STATE, RunFolder
from tunesmith.texts import msg
from tunesmith.training.best import Measurement, judge
from tunesmith.training.held_out import weights_of
from tunesmith.training.previews import not_of_the_base, timed_previews
from tunesmith.training.run_state import save_model, tell_saved, write_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.training.run_state import RunState


def keep_candidate(run: RunState, measured: Measurement) -> None:
    """Keep the weights just measured until previews judge them; where there are none they are the best at once."""
    progress, folder = run.state.progress, run.context.folder
    note = f"best held-out loss {measured.loss:.4f} at update {progress.update}"
    if run.requests:
        write_model(run, folder.candidate(progress.update), note)
        return
    run.state.progress = judge(progress)
    save_model(run, folder.best, note, "best", measured)


def judge_candidates(run: RunState) -> None:
    """Make the last candidate whose previews are sound ``best_model``.

    A round of previews that was just made of these very weights judges them; others are judged by one prompt.
    """
    while run.state.progress.candidates:
        update, loss = run.state.progress.candidates[-1]
        problems = problems_of(run, update, run.context.folder.candidate(update))
        run.state.progress = judge(run.state.progress, problems)
        if not problems:
            publish(run, update, loss)
            return
        vetoed = msg(
            "the weights of update {update} have a low held-out loss and are not kept as the best: {problem}",
            update=update,
            problem=problems[0],
        )
        run.warn("vetoed", vetoed, about=update)


def publish(run: RunState, update: int, loss: float) -> None:
    """Make a candidate ``best_model``."""
    folder = run.context.folder
    kept = folder.candidate(update)
    with atomic_folder(folder.best) as temporary:
        shutil.copytree(kept, temporary, dirs_exist_ok=True)
    tell_saved(run, folder.best, "best", update, Measurement(loss, terms_at(run, update)))


def terms_at(run: RunState, update: int) -> dict[str, float]:
    """The held-out loss of an update of the present stage by term, as it was written down."""
    lines = run.context.folder.read_metrics(ValidLine)
    found = [line.terms for line in lines if (line.update, line.stage) == (update, run.state.stage.name)]
    return {name: value for name, value in found[-1].items() if value is not None} if found else {}


def problems_of(run: RunState, update: int, kept: Path) -> Sequence[str]:
    """What previews of the candidate have that those of the base model do not have."""
    if not kept.exists():
        return [str(msg("its file is gone ({path})", path=str(kept)))]
    if run.previewed_at == update:
        return run.preview_problems
    if not run.requests:
        return []
    with weights_of(run.state, kept):
        made = timed_previews(run, 1, update)
    return not_of_the_base(run, made)


def drop_candidates(folder: RunFolder) -> None:
    """Delete candidates that no checkpoint knows any more, so that none can be continued that needs them."""
    needed = {folder.candidate(update) for path in folder.checkpoints.glob("step-*") for update in waiting(path)}
    for path in folder.candidates():
        if path not in needed:
            shutil.rmtree(path, ignore_errors=True)


def waiting(checkpoint: Path) -> list[int]:
    """Updates whose weights were waiting when a checkpoint was written; none where it cannot be continued."""
    try:
        progress = CheckpointState.read(checkpoint / STATE).progress
    except TunesmithError:
        return []
    return [update for update, _ in progress.get("candidates", ())]
