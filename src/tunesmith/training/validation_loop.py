"""A round of validation while a run trains: measure, decide what is best, keep it, write it down, stop early."""

from __future__ import annotations

from tunesmith.training.best import Decision, Measurement, decide_best, out_of_patience
from tunesmith.training.held_out import measure_held_out
from tunesmith.training.previews import preview
from tunesmith.training.run_state import RunState, save_model


def validate(run: RunState) -> None:
    """Measure the held-out clips and act on what :func:`tunesmith.training.best.decide_best` makes of it."""
    measured = measure_held_out(run)
    if measured is None:
        return
    decision = decide(run, measured)
    run.state.progress = decision.progress
    if decision.verdict == "unmeasured":
        warn_unmeasured(run)
        return
    if decision.best:
        note = f"best held-out loss {measured.loss:.4f} at update {decision.progress.update}"
        save_model(run, run.context.folder.best, note, "best", measured.loss)
    write_down(run, measured, decision)
    stop_early(run)


def decide(run: RunState, measured: Measurement) -> Decision:
    """Decide by the loss, and once more with previews of these very weights if the loss alone would call them best."""
    decision = decide_best(measured, run.state.progress)
    if not (decision.best and run.requests):
        return decision
    preview(run)
    return decide_best(measured, run.state.progress, run.preview_problems)


def write_down(run: RunState, measured: Measurement, decision: Decision) -> None:
    """One line of metrics and one of the log."""
    state, update = run.state, decision.progress.update
    run.tracker.write(
        "valid",
        update,
        loss=measured.loss,
        terms=measured.terms,
        forgetting=measured.forgetting,
        **({"kinds": measured.kinds} if measured.kinds else {}),
        best=decision.best,
        stage=state.stage.name,
        weights=state.settings.use_weights,
    )
    kinds = ", ".join(f"{kind} {loss:.4f}" for kind, loss in measured.kinds.items())
    run.context.console.log(
        f"update {update}/{state.updates}  valid loss {measured.loss:.4f}"
        + (f" ({kinds})" if kinds else "")
        + (f"  base-style loss {measured.forgetting:.4f}" if measured.forgetting is not None else "")
        + ("  (best so far)" if decision.best else "")
    )


def stop_early(run: RunState) -> None:
    """End the present stage where it has not improved for as long as the recipe allows."""
    progress = run.state.progress
    if out_of_patience(progress, run.state.settings.early_stopping):
        progress.finished = True
        text = f"stopped early: no better held-out loss in {progress.without_best} measurements"
        run.context.console.log(text)
        run.tracker.event("early_stop", progress.update, text, f"提前停止：连续 {progress.without_best} 次验证没有改善")


def warn_unmeasured(run: RunState) -> None:
    """Say once per stage that no held-out clip teaches one of its networks, so that its last weights go on."""
    state = run.state
    if state.progress.update == state.progress.stage_began:
        name = state.stage.name
        text = f"stage {name}: no held-out clip can measure it, so its last weights stand"
        run.context.console.warn(text)
        zh = f"阶段 {name}：没有可用于验证的片段，保留最后的权重"
        run.tracker.event("not_measured", state.progress.update, text, zh)
