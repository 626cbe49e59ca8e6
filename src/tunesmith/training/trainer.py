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
from tunesmith.training.handover import finish_stage, stage_record
from tunesmith.training.held_out import kind_batches, preview, validate
from tunesmith.training.interrupt import StopRequest, listening
from tunesmith.training.loop import UpdateResult, train_update
from tunesmith.training.preflight import announce, earlier_results, pass_gates
from tunesmith.training.previews import base_style, preview_requests
from tunesmith.training.run_state import Session, save_model
from tunesmith.training.schedule import listed_epoch
from tunesmith.training.setup import build_bench
from tunesmith.training.state import Bench
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
    session = open_session(context, resume=resume)
    bench = session.bench
    with listening() as stop:
        begin(session)
        with context.console.progress("train", bench.updates) as advance:
            advance(bench.progress.update)
            while not bench.over:
                result = train_update(bench, stop=bool(stop))
                after_update(session, result)
                advance(1, f"loss {result.measured.loss:.3f}")
                if result.stop_requested:
                    leave(session, stop)
    return finish(session)


def open_session(context: RunContext, *, resume: bool) -> Session:
    """Build the workbench and pick up the newest checkpoint, if there is one and it is wanted."""
    bench = build_bench(context)
    folder = context.folder
    last = agreed_checkpoint(bench, checkpoint.newest(folder) if resume else None)
    if last is not None:
        checkpoint.load(bench, last)
    samples = list(read_manifest(folder.manifest))
    gates = pass_gates(bench, samples, folder) if bench.progress.update == 0 else []
    if last is None and bench.accelerator.is_main_process:
        replaced = earlier_results(folder)
        if replaced:
            context.console.warn(f"starting anew; replaced: {', '.join(path.name for path in replaced)}")
        for path in replaced:
            shutil.rmtree(path, ignore_errors=True)
    clips = bench.valid
    batches = [] if clips is None else fixed_batches(bench.family, fixed_items(clips), bench.settings.batch_size)
    tracker = Tracker(
        folder, active=bench.accelerator.is_main_process, resume_at=bench.progress.update if last else None
    )
    own = [sample for sample in samples if not is_replay(sample)]
    requests = preview_requests(context, own) if context.recipe.previews.every else []
    session = Session(context, bench, tracker, samples, batches, kind_batches(bench, batches), requests=requests)
    for gate in gates:
        tracker.write("gate", 0, **vars(gate))
        if gate.status == "warn" and gate.name != "warmup":  # the cut is announced below, in full
            context.console.warn(f"gate {gate.name}: {gate.message}")
    if last is not None:
        where = bench.progress.update
        tracker.event("resumed", where, f"continued from update {where}", f"从第 {where} 次更新继续")
        context.console.log(f"continuing from {last}")
    return session


def agreed_checkpoint(bench: Bench, mine: Path | None) -> Path | None:
    """The checkpoint that the main process chose; every process continues from the same one, or none does."""
    if bench.accelerator.num_processes == 1:
        return mine
    from torch import distributed

    chosen: list[Any] = [mine]
    distributed.broadcast_object_list(chosen, src=0)
    return chosen[0]


def begin(session: Session) -> None:
    """The base model's own style, and the measurements at step 0."""
    bench = session.bench
    announce(session)
    if session.main:
        session.base_batches = fixed_batches(bench.family, base_items(session), bench.settings.batch_size)
    if bench.progress.update == 0 and session.main:
        validate(session, may_be_best=False)
        if session.requests:
            preview(session)
    bench.accelerator.wait_for_everyone()


def base_items(session: Session) -> list[dict[str, Any]]:
    """Encoded clips in the base model's own style, made once and kept in the cache."""
    bench, context = session.bench, session.context
    if not context.recipe.evaluate.forgetting_prompts or not bench.family.base_prompts():
        return []
    path = base_style_path(context)
    if not path.exists():
        with bench.measuring():  # outside, because it may put averaged weights in the place of the tuned ones
            adapters.set_scale(bench.networks, 0.0)
            try:
                made = base_style(context, bench.networks, str(bench.accelerator.device))
            finally:
                adapters.set_scale(bench.networks, 1.0)
        store_base_style(path, made)
    return stored_base_style(context)


def after_update(session: Session, result: UpdateResult) -> None:
    """Count, log, measure, listen and save, each at its interval."""
    bench, progress, settings = session.bench, session.bench.progress, session.bench.settings
    progress.update += 1
    count_skipped(session, result)
    last, since = bench.stage_over, progress.update - progress.stage_began
    if progress.update % settings.log_every == 0 or progress.update == 1 or last:
        log_training(session, result)
    if session.main:
        if since % settings.valid_every == 0 or last:
            validate(session)
        every = session.context.recipe.previews.every
        if session.requests and every and (progress.update % every == 0 or last):
            preview(session)
            draw_curves(session.context.folder, progress.update)
    share_decision(session)
    stopped = bench.progress.finished
    due = session.main and (since % settings.save_every == 0 or last or stopped) and not result.stop_requested
    if due:
        keep_snapshot(session)  # of this stage, not of what it hands on
    if (last or stopped) and not bench.last_stage:
        next_stage(session)
    if due:
        checkpoint.save(bench, session.context.folder)


def next_stage(session: Session) -> None:
    """Hand on the best of a finished stage, and measure where the next one begins."""
    bench, update, best = session.bench, session.bench.progress.update, session.context.folder.best
    measured = bench.progress.first_loss is not None
    if not measured and session.main:
        save_model(session, best, not_measured(bench), "best")
    bench.accelerator.wait_for_everyone()
    told = finish_stage(bench, best, measured=measured)
    if session.main:
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
        session.context.console.log(f"{text}; now {bench.stage.name}")
        session.tracker.event("stage", update, f"{text}; now {bench.stage.name}", f"{zh}；进入 {bench.stage.name}")
        validate(session, may_be_best=False)
    share_decision(session)
    bench.accelerator.wait_for_everyone()


def save(session: Session) -> None:
    """A checkpoint to resume from and, if the recipe keeps them all, the adapter as it is now."""
    checkpoint.save(session.bench, session.context.folder)
    keep_snapshot(session)


def keep_snapshot(session: Session) -> None:
    """The adapter as it is now, if the recipe keeps them all."""
    bench, folder, update = session.bench, session.context.folder, session.bench.progress.update
    if bench.settings.snapshots:
        schedule = bench.schedule
        per_epoch = schedule.per_epoch if schedule.mix else listed_epoch(session.samples, schedule.per_update)
        epoch = (update - 1) // per_epoch
        place = folder.path / bench.settings.snapshots / f"epoch={epoch}-step={update}_lora"
        save_model(session, place, f"update {update}", "snapshot")


def count_skipped(session: Session, result: UpdateResult) -> None:
    """Non-finite updates are skipped and counted; too many in a row end the run with a diagnosis."""
    progress, settings = session.bench.progress, session.bench.settings
    if result.stepped:
        progress.skipped_in_row = 0
        return
    progress.skipped += 1
    progress.skipped_in_row += 1
    session.tracker.event(
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


def log_training(session: Session, result: UpdateResult) -> None:
    """One line of training loss."""
    progress = session.bench.progress
    seconds = max(session.tracker.elapsed, 1e-6)
    session.tracker.write(
        "train",
        progress.update,
        stage=session.bench.stage.name,
        loss=result.measured.loss,
        terms=result.measured.terms,
        learning_rate=result.learning_rate,
        grad_norm=result.grad_norm,
        tokens=result.tokens,
        skipped=progress.skipped,
        tokens_per_second=result.tokens * progress.update / seconds,
    )
    session.context.console.log(
        f"update {progress.update}/{session.bench.updates}  train loss {result.measured.loss:.4f}  "
        f"learning rate {result.learning_rate:.2e}  gradient norm {result.grad_norm:.2f}"
    )


def share_decision(session: Session) -> None:
    """Every process learns where the main one stands: what was best, and whether the stage is over."""
    if session.bench.accelerator.num_processes == 1:
        return
    from torch import distributed

    verdict: list[Any] = [session.bench.progress]
    distributed.broadcast_object_list(verdict, src=0)
    session.bench.progress = verdict[0]


def leave(session: Session, stop: StopRequest) -> None:
    """Save where we are and end with the signal's exit code."""
    update = session.bench.progress.update
    if session.main:
        save(session)
        session.tracker.event(
            "interrupted", update, f"stopped as asked at update {update}", f"按要求在第 {update} 次更新停止"
        )
        session.tracker.close()
    session.bench.accelerator.wait_for_everyone()
    where = session.context.folder.checkpoints / f"step-{update:06d}"
    # The command as it was typed: without its overrides it would be another run, which begins anew.
    raise InterruptedRunError(stop.signal or signal.SIGTERM, where, session.context.command)


def finish(session: Session) -> dict[str, Any]:
    """Write the final adapter and the summary."""
    bench, progress, folder = session.bench, session.bench.progress, session.context.folder
    progress.finished = True
    summary: dict[str, Any] = {
        "updates": progress.update,
        "best_loss": progress.best_loss,
        "best_update": progress.best_update,
        "stages": [*progress.history, stage_record(bench)],
        "skipped": progress.skipped,
        "seconds": round(session.tracker.elapsed, 1),
        "device": str(bench.accelerator.device),
        "precision": bench.accelerator.mixed_precision.replace("no", "fp32"),
        "trained_parameters": sum(p.numel() for p in bench.parameters.values()),
    }
    if session.main:
        save_model(session, folder.final, f"update {progress.update}", "final")
        if all(stage["best_update"] is None for stage in summary["stages"]):
            _no_best(session)
        elif progress.first_loss is None:
            save_model(session, folder.best, not_measured(bench), "best")
        session.tracker.event(
            "finished", progress.update, f"{progress.update} updates done", f"完成 {progress.update} 次更新"
        )
    session.tracker.close()
    bench.accelerator.wait_for_everyone()
    return summary


def not_measured(bench: Bench) -> str:
    """What stands as best after a stage that no held-out clip teaches anything about."""
    return f"last weights of stage {bench.stage.name}, which no held-out clip can measure"


def _no_best(session: Session) -> None:
    """Without held-out clips the last adapter stands as best and says so; a run that never beat the base says that."""
    folder = session.context.folder
    if session.valid_batches:
        text = "no checkpoint was better than the base model on held-out clips; best_model is the last one"
        zh = "没有任何检查点在验证音频上优于基础模型；best_model 为最后一个"
    else:
        text, zh = (
            "there are no held-out clips, so best_model is simply the last adapter",
            "没有验证音频，best_model 即最后的适配器",
        )
    session.context.console.warn(text)
    session.tracker.event("no_best", session.bench.progress.update, text, zh)
    save_model(session, folder.best, text, "best")
