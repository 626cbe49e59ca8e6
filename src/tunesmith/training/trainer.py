"""A training run from its first check to its final adapter: two hops from the command line to ``backward``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from tunesmith.data.content import checkpoint_content
from tunesmith.data.mapped_manifest import map_manifest, own_samples
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.checkpoint_choice import stage_choice
from tunesmith.records.metrics import EventLine, GateLine, ValidLine
from tunesmith.records.stage_state import PhaseSummary, TrainSummary
from tunesmith.run.adapted import adapter_folder
from tunesmith.run.context import RunContext
from tunesmith.texts import Message, msg, tr
from tunesmith.training import checkpoint
from tunesmith.training.base_outputs import base_items
from tunesmith.training.best import run_end
from tunesmith.training.candidate import drop_candidates
from tunesmith.training.going_on import go_on
from tunesmith.training.handover import next_phase, unmeasured_note
from tunesmith.training.held_out import clip_batches, kind_batches, weights_of
from tunesmith.training.interrupt import StopRequest, catch_signals
from tunesmith.training.listening import listen, make_round
from tunesmith.training.loop import UpdateResult, train_update
from tunesmith.training.preflight import announce, pass_gates
from tunesmith.training.previews import preview_requests
from tunesmith.training.processes import of_main, share_decision
from tunesmith.training.progress import stage_record
from tunesmith.training.run_state import RunState, keep_snapshot, save_model
from tunesmith.training.setup import begin_processes, build_train_state
from tunesmith.training.sound import newest_sound
from tunesmith.training.start import Start, make_room, record_begin, record_trial, refuse_snapshots
from tunesmith.training.trackers import Tracker
from tunesmith.training.training_log import count_skipped, log_training, refuse_lost_weights
from tunesmith.training.validation import fixed_batches, fixed_items
from tunesmith.training.validation_loop import validate

AtEnd = Callable[[RunContext, Mapping[str, nn.Module], str, TrainSummary], TrainSummary]
"""Sums up what training left: the run, its networks with the kept weights, their device, the summary so far."""


class InterruptedRunError(TunesmithError):
    """The run was asked to stop; everything is saved."""

    def __init__(self, number: int, where: Path, command: str = "") -> None:
        command = command or f"tunesmith train {where.parent.parent}"
        super().__init__(
            msg("stopped as asked; everything up to this update is saved"),
            where=str(where),
            remedy=msg("`{command}` goes on from there.", command=command),
        )
        self.exit_code = 128 + number


def train(context: RunContext, start: Start | None = None, at_end: AtEnd | None = None) -> dict[str, Any]:
    """Train a run's adapter to the end, or to the point where it is asked to stop.

    Args:
        context: The run.
        start: Where it begins; by default at the newest checkpoint, if there is one.
        at_end: What is measured of the weights that are kept, before the networks are let go.

    Returns:
        A summary: updates, best held-out loss and where, skipped updates.

    Raises:
        TunesmithError: a gate that stops the run, ten non-finite updates in a row, a checkpoint of another run.
        InterruptedRunError: after Ctrl-C or SIGTERM, with everything saved.
    """
    run = open_run_state(context, start or Start())
    state = run.state
    with catch_signals() as stop:
        begin(run)
        with context.console.progress(msg("train"), state.updates) as advance:
            advance(state.progress.update)
            while not state.over:
                result = train_update(state, stop=bool(stop))
                after_update(run, result)
                advance(1, tr("loss {loss:.3f}", loss=result.measured.loss))
                if result.stop_requested:
                    leave(run, stop)
    return finish(run, at_end)


def open_run_state(context: RunContext, start: Start) -> RunState:
    """Build the training state and pick up the newest checkpoint, if there is one and it is wanted."""
    folder, processes = context.folder, begin_processes(context.recipe)
    main = processes.is_main_process
    last = of_main(processes, newest_sound(context) if start.resume and main else None)
    state = build_train_state(context, pinned=checkpoint.precision_of(last), begins=last is None)
    if last is not None:
        checkpoint.load(state, last, start.accepted)
    samples = map_manifest(folder.manifest)
    gates = pass_gates(state, samples, folder) if state.progress.update == 0 else []
    if main:
        refuse_snapshots(context)
        if last is None:
            make_room(context)
            record_trial(folder, state.trial)
        record_begin(context, start)
    clips = state.valid
    batches = [] if clips is None else fixed_batches(state.family, fixed_items(clips), state.settings.batch_size)
    tracker = Tracker(folder, active=main, resume_at=state.progress.update if last else None)
    if tracker.left_out is not None:
        context.console.warn(tracker.left_out)
    requests = preview_requests(context, own_samples(samples)) if context.recipe.previews.every else []
    kinds, each = kind_batches(state, batches), clip_batches(state)
    run = RunState(context, state, tracker, samples, batches, kinds, each, requests=requests)
    for gate in gates:
        tracker.write(GateLine(update=0, **vars(gate)))
        if gate.status == "warn" and gate.name != "warmup":  # the cut is announced below, in full
            context.console.warn(msg("gate {name}: {message}", name=gate.name, message=gate.message))
    if last is not None:
        go_on(run, start, last)
    return run


def begin(run: RunState) -> None:
    """The base model's own style, and the measurements at step 0."""
    state = run.state
    announce(run)
    with state.led() as here:
        if here:
            run.base_batches = fixed_batches(state.family, base_items(run), state.settings.batch_size)
        if here and state.progress.update == 0:
            validate(run)
            if run.requests:
                make_round(run, at_beginning=True)
    run.rounds.begin()
    state.accelerator.wait_for_everyone()


def after_update(run: RunState, result: UpdateResult) -> None:
    """Count, log, measure, preview and save, each at its interval."""
    state, settings = run.state, run.state.settings
    state.progress.update += 1
    count_skipped(run, result)
    update, last = state.progress.update, state.stage_over
    since = update - state.progress.stage_began
    if update % settings.log_every == 0 or since % settings.valid_every == 0 or last:
        refuse_lost_weights(run)
    if update % settings.log_every == 0 or update == 1 or last:
        log_training(run, result)
    with state.led() as here:
        if here and (since % settings.valid_every == 0 or last):
            validate(run)
        if here:
            listen(run, ending=last or state.progress.finished)
    share_decision(run)
    stopped = state.progress.finished
    due = run.main and (since % settings.save_every == 0 or last or stopped) and not result.stop_requested
    if due:
        keep_snapshot(run)  # of this stage, not of the weights that the next one begins with
    if (last or stopped) and not state.last_stage:
        next_phase(run)
    if due:
        save_checkpoint(run)


def save_checkpoint(run: RunState) -> None:
    """Write a checkpoint, and forget candidates that none of those that are kept needs."""
    checkpoint.save(run.state, run.context.folder)
    drop_candidates(run.context.folder)


def leave(run: RunState, stop: StopRequest) -> None:
    """Save the present state and end with the signal's exit code."""
    update = run.state.progress.update
    if run.main:
        save_checkpoint(run)
        keep_snapshot(run)
        run.tracker.event("interrupted", update, msg("stopped as asked at update {update}", update=update))
        run.tracker.close()
    run.state.accelerator.wait_for_everyone()
    where = run.context.folder.checkpoints / f"step-{update:06d}"
    # The command as it was typed: without its overrides it would be another run, which begins anew.
    raise InterruptedRunError(stop.signal or signal.SIGTERM, where, run.context.command)


def finish(run: RunState, at_end: AtEnd | None = None) -> dict[str, Any]:
    """Write the final adapter, have what is kept measured, and sum up."""
    state, progress, folder = run.state, run.state.progress, run.context.folder
    progress.finished = True
    stages = [*progress.history, stage_record(progress, state.stage.name)]
    summary = TrainSummary(
        updates=progress.update,
        best_loss=progress.best_loss,
        best_update=progress.best_update,
        stages=tuple(PhaseSummary.model_validate(stage) for stage in stages),
        skipped=progress.skipped,
        seconds=round(run.tracker.elapsed, 1),
        device=str(state.accelerator.device),
        precision=state.precision,
        trained_parameters=sum(p.numel() for p in state.parameters.values()),
        base=checkpoint_content(state.family.checkpoint.folder),
    )
    if run.main:
        save_model(run, folder.final, f"update {progress.update}", "final")
        keep_best(run, stages)
        say_choice(run)
        run.tracker.event("finished", progress.update, msg("{updates} updates done", updates=progress.update))
    with state.led() as here:
        if here and at_end is not None:
            with weights_of(state, adapter_folder(run.context)), state.accelerator.autocast():
                summary = at_end(run.context, state.networks, summary.device, summary)
    run.tracker.close()
    state.accelerator.wait_for_everyone()
    return summary.model_dump(mode="json")


def say_choice(run: RunState) -> None:
    """Print why the kept update is the one, and which others it cannot be told from."""
    state, folder = run.state, run.context.folder
    lines = [*folder.read_metrics(ValidLine), *folder.read_metrics(EventLine)]
    if choice := stage_choice(lines, state.stage.name, state.progress.best_update):
        run.context.console.log(choice.sentence)


def keep_best(run: RunState, stages: Sequence[Mapping[str, Any]]) -> None:
    """Make ``best_model`` what :func:`tunesmith.training.best.run_end` decides."""
    ends = run_end(stages)
    if ends == "last_stage":
        save_model(run, run.context.folder.best, unmeasured_note(run.state), "best")
    if ends != "last":
        return
    message = why_last(run)
    run.warn("no_best", message)
    save_model(run, run.context.folder.best, str(message), "best")


def why_last(run: RunState) -> Message:
    """Why ``best_model`` is the last adapter."""
    lowest, began = run.state.progress.lowest_loss, run.state.progress.first_loss
    if not run.valid_batches:
        return msg("there are no held-out clips, so best_model is simply the last adapter")
    if lowest is not None and began is not None and lowest < began:
        return msg(
            "every checkpoint that was better than the base model on held-out clips was refused for what its previews "
            "sound like; best_model is the last one"
        )
    return msg("no checkpoint was better than the base model on held-out clips; best_model is the last one")
