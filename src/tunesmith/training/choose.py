"""Choose the best weights again among the checkpoints that are kept, when another choice is asked for."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from tunesmith.data.mapped_manifest import map_manifest
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.judge import Contender, judge
from tunesmith.records.stage_state import StageState
from tunesmith.run.attempts import archive_models
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STATE
from tunesmith.texts import msg
from tunesmith.training import checkpoint
from tunesmith.training.held_out import clip_batches, measure_held_out
from tunesmith.training.run_state import RunState, save_model
from tunesmith.training.setup import build_train_state
from tunesmith.training.start import Start, fingerprint
from tunesmith.training.trackers import Tracker
from tunesmith.training.validation import fixed_batches, fixed_items


def choose_again(context: RunContext, start: Start) -> None:
    """Make ``best_model`` the weights of the lowest held-out loss among the kept checkpoints of the last stage.

    The models that were chosen before are kept as an attempt.

    Raises:
        TunesmithError: when no checkpoint is kept.
    """
    folder = context.folder
    found = sorted(path for path in folder.checkpoints.glob("step-*") if (path / STATE).exists())
    if not found:
        raise TunesmithError(
            msg("no checkpoint is kept to choose from"),
            where=str(folder.checkpoints),
            remedy=msg("Change train.use_weights back, or train anew with --fresh."),
        )
    state = build_train_state(context, pinned=checkpoint.precision_of(found[-1]), begins=False)
    batches = fixed_batches(state.family, fixed_items(state.valid), state.settings.batch_size) if state.valid else []
    run = RunState(context, state, Tracker(folder, active=False), map_manifest(folder.manifest), batches)
    run.clip_batches = clip_batches(state)
    ruling = judge([_contender(run, path, start) for path in reversed(found)])  # of equal ones the newest
    chosen = ruling.ordered[0]
    best = folder.checkpoints / chosen.name
    kept = archive_models(folder)
    for path, target, note in ((found[-1], folder.final, "final"), (best, folder.best, "best")):
        checkpoint.load(state, path, start.accepted)
        save_model(run, target, f"{note} {state.settings.use_weights} weights of {path.name}", note)  # type: ignore[arg-type]
    said = msg(
        "best_model is now {weights} of {checkpoint} (held-out loss {loss:.4f}); the former one is kept in {kept}",
        weights=state.settings.use_weights,
        checkpoint=best.name,
        loss=chosen.loss,
        kept=str(kept),
    )
    context.console.log(said)
    if ruling.rivals:
        open_between = msg(
            "It cannot be told from {rivals} by the held-out clips.", rivals=tuple(one.name for one in ruling.rivals)
        )
        context.console.log(open_between)
    record(context, start, state.progress.update, chosen.loss)


def _contender(run: RunState, path: Path, start: Start) -> Contender:
    """A checkpoint by its held-out loss, which is not known where its stage is not the last."""
    checkpoint.load(run.state, path, start.accepted)
    measured = measure_held_out(run) if run.state.last_stage else None
    if measured is None or not math.isfinite(measured.loss):
        return Contender(path.name, math.inf)
    return Contender(path.name, measured.loss, measured.clips)


def record(context: RunContext, start: Start, best_update: int, best_loss: float) -> None:
    """Write down that the models are those of the present recipe, and which update the best one is of."""
    state = context.folder.stage_state("train")
    trained = state.training() if state else None
    if state is not None and trained is not None and start.inputs is not None:
        best = {"best_update": best_update, "best_loss": best_loss if math.isfinite(best_loss) else None}
        stages = (*trained.stages[:-1], *(last.model_copy(update=best) for last in trained.stages[-1:]))
        summary = trained.model_copy(update={**best, "stages": stages}).model_dump(mode="json")
        update = {"inputs": dict(start.inputs), "fingerprint": fingerprint(start.inputs), "summary": summary}
        StageState.model_validate({**state.model_dump(), **update}).write(context.folder.stage("train"))
    if context.folder.resolved.exists():
        shutil.copyfile(context.folder.resolved, context.folder.trained_on / context.folder.resolved.name)
