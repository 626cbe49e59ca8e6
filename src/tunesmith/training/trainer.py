"""A training run from its first check to its final adapter: two hops from the command line to ``backward``."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

from tunesmith.adapters import peft_adapter as adapters
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.run.context import RunContext
from tunesmith.training import checkpoint
from tunesmith.training.base_outputs import base_style_path, store_base_style, stored_base_style
from tunesmith.training.curves import draw_curves
from tunesmith.training.handover import finish_phase, phase_record
from tunesmith.training.held_out import kind_batches, preview, validate
from tunesmith.training.interrupt import StopRequest, listening
from tunesmith.training.loop import UpdateResult, train_update
from tunesmith.training.preflight import announce, earlier_results, pass_gates
from tunesmith.training.previews import base_style, preview_requests
from tunesmith.training.run_state import RunState, save_model
from tunesmith.training.schedule import listed_epoch
from tunesmith.training.setup import build_train_state
from tunesmith.training.state import TrainState
from tunesmith.training.trackers import Tracker
from tunesmith.training.validation import fixed_batches, fixed_items


class InterruptedRunError(TunesmithError):
    """The run was asked to stop; everything is saved."""

    def __init__(self, number: int, where: Path, command: str = "") -> None:
        super().__init__(
            "stopped as asked; everything up to this update is saved",
            where=str(where),
            remedy=f"`{command or f'tunesmith train {where.parent.parent}'}` goes on from there.",
        )
        self.exit_code = 128 + number


def train(context: RunContext, *, resume: bool = True) -> dict[str, Any]:
    """Train a run's adapter to the end, or to the point where it is asked to stop.

    Returns:
        A summary: updates, best held-out loss and where, skipped updates.

    Raises:
        TunesmithError: a gate that says stop, ten non-finite updates in a row, a checkpoint of another run.
        InterruptedRunError: after Ctrl-C or SIGTERM, with everything saved.
    """
    run = open_run_state(context, resume=resume)
    state = run.state
    with listening() as stop:
        begin(run)
        with context.console.progress("train", state.updates) as advance:
            advance(state.progress.update)
            while not state.over:
                result = train_update(state, stop=bool(stop))
                after_update(run, result)
                advance(1, f"loss {result.measured.loss:.3f}")
                if result.stop_requested:
                    leave(run, stop)
    return finish(run)


def open_run_state(context: RunContext, *, resume: bool) -> RunState:
    """Build the training state and pick up the newest checkpoint, if there is one and it is wanted."""
    state = build_train_state(context)
    folder = context.folder
    last = agreed_checkpoint(state, checkpoint.newest(folder) if resume else None)
    if last is not None:
        checkpoint.load(state, last)
    samples = list(read_manifest(folder.manifest))
    gates = pass_gates(state, samples, folder) if state.progress.update == 0 else []
    if last is None and state.accelerator.is_main_process:
        replaced = earlier_results(folder)
        if replaced:
            context.console.warn(f"starting anew; replaced: {', '.join(path.name for path in replaced)}")
        for path in replaced:
            shutil.rmtree(path, ignore_errors=True)
    clips = state.valid
    batches = [] if clips is None else fixed_batches(state.family, fixed_items(clips), state.settings.batch_size)
    tracker = Tracker(
        folder, active=state.accelerator.is_main_process, resume_at=state.progress.update if last else None
    )
    own = [sample for sample in samples if not is_replay(sample)]
    requests = preview_requests(context, own) if context.recipe.previews.every else []
    run = RunState(context, state, tracker, samples, batches, kind_batches(state, batches), requests=requests)
    for gate in gates:
        tracker.write("gate", 0, **vars(gate))
        if gate.status == "warn" and gate.name != "warmup":  # the cut is announced below, in full
            context.console.warn(f"gate {gate.name}: {gate.message}")
    if last is not None:
        where = state.progress.update
        tracker.event("resumed", where, f"continued from update {where}", f"从第 {where} 次更新继续")
        context.console.log(f"continuing from {last}")
    return run


def agreed_checkpoint(state: TrainState, mine: Path | None) -> Path | None:
    """The checkpoint that the main process chose; every process continues from the same one, or none does."""
    if state.accelerator.num_processes == 1:
        return mine
    from torch import distributed

    chosen: list[Any] = [mine]
    distributed.broadcast_object_list(chosen, src=0)
    return chosen[0]


def begin(run: RunState) -> None:
    """The base model's own style, and the measurements at step 0."""
    state = run.state
    announce(run)
    if run.main:
        run.base_batches = fixed_batches(state.family, base_items(run), state.settings.batch_size)
    if state.progress.update == 0 and run.main:
        validate(run, may_be_best=False)
        if run.requests:
            preview(run)
    state.accelerator.wait_for_everyone()


def base_items(run: RunState) -> list[dict[str, Any]]:
    """Encoded clips in the base model's own style, made once and kept in the cache."""
    state, context = run.state, run.context
    if not context.recipe.evaluate.forgetting_prompts or not state.family.generation.base_prompts():
        return []
    path = base_style_path(context)
    if not path.exists():
        with state.measuring():  # outside, because it may put averaged weights in the place of the tuned ones
            adapters.set_scale(state.networks, 0.0)
            try:
                made = base_style(context, state.networks, str(state.accelerator.device))
            finally:
                adapters.set_scale(state.networks, 1.0)
        store_base_style(path, made)
    return stored_base_style(context)


def after_update(run: RunState, result: UpdateResult) -> None:
    """Count, log, measure, listen and save, each at its interval."""
    state, progress, settings = run.state, run.state.progress, run.state.settings
    progress.update += 1
    count_skipped(run, result)
    last, since = state.stage_over, progress.update - progress.stage_began
    if progress.update % settings.log_every == 0 or progress.update == 1 or last:
        log_training(run, result)
    if run.main:
        if since % settings.valid_every == 0 or last:
            validate(run)
        every = run.context.recipe.previews.every
        if run.requests and every and (progress.update % every == 0 or last):
            preview(run)
            draw_curves(run.context.folder, progress.update)
    share_decision(run)
    stopped = state.progress.finished
    due = run.main and (since % settings.save_every == 0 or last or stopped) and not result.stop_requested
    if due:
        keep_snapshot(run)  # of this stage, not of what it hands on
    if (last or stopped) and not state.last_stage:
        next_phase(run)
    if due:
        checkpoint.save(state, run.context.folder)


def next_phase(run: RunState) -> None:
    """Hand on the best of a finished stage, and measure where the next one begins."""
    state, update, best = run.state, run.state.progress.update, run.context.folder.best
    measured = state.progress.first_loss is not None
    if not measured and run.main:
        save_model(run, best, not_measured(state), "best")
    state.accelerator.wait_for_everyone()
    told = finish_phase(state, best, measured=measured)
    if run.main:
        better = told["best_update"] is not None
        nothing = ("it found nothing better than its beginning, and goes back to it", "没有优于开始时的结果，回到开始")
        otherwise = (
            nothing if measured else ("it was not measured, and its last weights go on", "未验证，沿用最后的权重")
        )
        text = f"stage {told['name']} is over after {told['updates']} updates; " + (
            f"its best was at update {told['best_update']}" if better else otherwise[0]
        )
        zh = f"阶段 {told['name']} 在 {told['updates']} 次更新后结束；" + (
            f"最佳在第 {told['best_update']} 次更新" if better else otherwise[1]
        )
        run.context.console.log(f"{text}; now {state.stage.name}")
        run.tracker.event("stage", update, f"{text}; now {state.stage.name}", f"{zh}；进入 {state.stage.name}")
        validate(run, may_be_best=False)
    share_decision(run)
    state.accelerator.wait_for_everyone()


def save(run: RunState) -> None:
    """A checkpoint to resume from and, if the recipe keeps them all, the adapter as it is now."""
    checkpoint.save(run.state, run.context.folder)
    keep_snapshot(run)


def keep_snapshot(run: RunState) -> None:
    """The adapter as it is now, if the recipe keeps them all."""
    state, folder, update = run.state, run.context.folder, run.state.progress.update
    if state.settings.snapshots:
        schedule = state.schedule
        per_epoch = schedule.per_epoch if schedule.mix else listed_epoch(run.samples, schedule.per_update)
        epoch = (update - 1) // per_epoch
        place = folder.path / state.settings.snapshots / f"epoch={epoch}-step={update}_lora"
        save_model(run, place, f"update {update}", "snapshot")


def count_skipped(run: RunState, result: UpdateResult) -> None:
    """Non-finite updates are skipped and counted; too many in a row end the run with a diagnosis."""
    progress, settings = run.state.progress, run.state.settings
    if result.stepped:
        progress.skipped_in_row = 0
        return
    progress.skipped += 1
    progress.skipped_in_row += 1
    run.tracker.event(
        "nonfinite",
        progress.update,
        f"update {progress.update} skipped: gradient norm {result.grad_norm}",
        f"第 {progress.update} 次更新被跳过：梯度范数 {result.grad_norm}",
    )
    if progress.skipped_in_row >= settings.max_skipped:
        raise TunesmithError(
            f"{progress.skipped_in_row} updates in a row had a loss or gradient that is not finite",
            where=f"update {progress.update}",
            remedy=f"Lower train.learning_rate (now {settings.learning_rate:g}; try a third), or use fp32 or "
            f"bf16 instead of fp16; "
            "the newest checkpoint is from before.",
        )


def log_training(run: RunState, result: UpdateResult) -> None:
    """One line of training loss."""
    progress = run.state.progress
    seconds = max(run.tracker.elapsed, 1e-6)
    run.tracker.write(
        "train",
        progress.update,
        stage=run.state.stage.name,
        loss=result.measured.loss,
        terms=result.measured.terms,
        learning_rate=result.learning_rate,
        grad_norm=result.grad_norm,
        tokens=result.tokens,
        skipped=progress.skipped,
        tokens_per_second=result.tokens * progress.update / seconds,
    )
    run.context.console.log(
        f"update {progress.update}/{run.state.updates}  train loss {result.measured.loss:.4f}  "
        f"learning rate {result.learning_rate:.2e}  gradient norm {result.grad_norm:.2f}"
    )


def share_decision(run: RunState) -> None:
    """Every process learns where the main one stands: what was best, and whether the stage is over."""
    if run.state.accelerator.num_processes == 1:
        return
    from torch import distributed

    verdict: list[Any] = [run.state.progress]
    distributed.broadcast_object_list(verdict, src=0)
    run.state.progress = verdict[0]


def leave(run: RunState, stop: StopRequest) -> None:
    """Save where we are and end with the signal's exit code."""
    update = run.state.progress.update
    if run.main:
        save(run)
        run.tracker.event(
            "interrupted", update, f"stopped as asked at update {update}", f"按要求在第 {update} 次更新停止"
        )
        run.tracker.close()
    run.state.accelerator.wait_for_everyone()
    where = run.context.folder.checkpoints / f"step-{update:06d}"
    # The command as it was typed: without its overrides it would be another run, which begins anew.
    raise InterruptedRunError(stop.signal or signal.SIGTERM, where, run.context.command)


def finish(run: RunState) -> dict[str, Any]:
    """Write the final adapter and the summary."""
    state, progress, folder = run.state, run.state.progress, run.context.folder
    progress.finished = True
    summary: dict[str, Any] = {
        "updates": progress.update,
        "best_loss": progress.best_loss,
        "best_update": progress.best_update,
        "stages": [*progress.history, phase_record(state)],
        "skipped": progress.skipped,
        "seconds": round(run.tracker.elapsed, 1),
        "device": str(state.accelerator.device),
        "precision": state.accelerator.mixed_precision.replace("no", "fp32"),
        "trained_parameters": sum(p.numel() for p in state.parameters.values()),
    }
    if run.main:
        save_model(run, folder.final, f"update {progress.update}", "final")
        if all(stage["best_update"] is None for stage in summary["stages"]):
            _no_best(run)
        elif progress.first_loss is None:
            save_model(run, folder.best, not_measured(state), "best")
        run.tracker.event(
            "finished", progress.update, f"{progress.update} updates done", f"完成 {progress.update} 次更新"
        )
    run.tracker.close()
    state.accelerator.wait_for_everyone()
    return summary


def not_measured(state: TrainState) -> str:
    """What stands as best after a stage that no held-out clip teaches anything about."""
    return f"last weights of stage {state.stage.name}, which no held-out clip can measure"


def _no_best(run: RunState) -> None:
    """Without held-out clips the last adapter stands as best and says so; a run that never beat the base says that."""
    folder = run.context.folder
    if run.valid_batches:
        text = "no checkpoint was better than the base model on held-out clips; best_model is the last one"
        zh = "没有任何检查点在验证音频上优于基础模型；best_model 为最后一个"
    else:
        text, zh = (
            "there are no held-out clips, so best_model is simply the last adapter",
            "没有验证音频，best_model 即最后的适配器",
        )
    run.context.console.warn(text)
    run.tracker.event("no_best", run.state.progress.update, text, zh)
    save_model(run, folder.best, text, "best")
