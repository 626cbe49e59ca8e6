"""A round of validation while a run trains: measure, decide what is best, keep it, log it, stop early."""

from __future__ import annotations

from tunesmith.records.metrics import ValidLine
from tunesmith.texts import msg
from tunesmith.training.best import Decision, Measurement, decide_best, out_of_patience
from tunesmith.training.candidate import keep_candidate
from tunesmith.training.held_out import measure_held_out
from tunesmith.training.run_state import RunState


def validate(run: RunState) -> None:
    """Measure the held-out clips and act on what :func:`tunesmith.training.best.decide_best` makes of it."""
    measured = measure_held_out(run)
    if measured is None:
        return
    decision = decide_best(measured, run.state.progress)
    run.state.progress = decision.progress
    if decision.verdict == "unmeasured":
        warn_unmeasured(run)
        return
    if decision.best:
        keep_candidate(run, measured)
    log_validation(run, measured, decision)
    stop_early(run)


def log_validation(run: RunState, measured: Measurement, decision: Decision) -> None:
    """One line of metrics and one of the log."""
    state, update = run.state, decision.progress.update
    run.tracker.write(
        ValidLine(
            update=update,
            loss=measured.loss,
            terms=dict(measured.terms),
            forgetting=measured.forgetting,
            kinds=dict(measured.kinds),
            clips=dict(measured.clips),
            best=decision.best,
            stage=state.stage.name,
            weights=state.settings.use_weights,
        )
    )
    said = msg(
        "update {update}/{updates}  valid loss {loss:.4f}", update=update, updates=state.updates, loss=measured.loss
    )
    if measured.kinds:
        said = msg(
            "{said} ({kinds})", said=said, kinds=tuple(f"{kind} {loss:.4f}" for kind, loss in measured.kinds.items())
        )
    if measured.forgetting is not None:
        said = msg("{said}  base-style loss {loss:.4f}", said=said, loss=measured.forgetting)
    if decision.best:
        said = msg("{said}  (best so far)", said=said)
    run.context.console.log(said)


def stop_early(run: RunState) -> None:
    """End the present stage where it has not improved for as long as the recipe allows."""
    progress = run.state.progress
    if out_of_patience(progress, run.state.settings.early_stopping):
        progress.finished = True
        stopped = msg("stopped early: no better held-out loss in {count} measurements", count=progress.without_best)
        run.log("early_stop", stopped)


def warn_unmeasured(run: RunState) -> None:
    """Warn once per stage that no held-out clip can measure it, so that the next begins with its last weights."""
    state = run.state
    if state.progress.update == state.progress.stage_began:
        run.warn(
            "not_measured",
            msg("stage {stage}: no held-out clip can measure it, so its last weights stand", stage=state.stage.name),
        )
