"""Training tried out: what trains, what it takes, two real updates, and whether anything stands in the way."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass

from tunesmith.errors import TunesmithError
from tunesmith.planning.planner import duration, plan_lines
from tunesmith.records.findings import CheckFindings
from tunesmith.records.plan import RunPlan
from tunesmith.run.context import RunContext
from tunesmith.stages.planned import make_plan, planned_mix, training_samples
from tunesmith.stages.space import warn_of_space
from tunesmith.stages.writing import writing
from tunesmith.texts import msg


@dataclass(frozen=True)
class TimedUpdates:
    """Two real updates on the shortest clip: seconds of the second, its frames, and the process's peak memory."""

    seconds: float
    frames: int
    peak_bytes: int


def print_plan(context: RunContext) -> None:
    """Check the clips, then print what the run will take; kept in ``plan.json``."""
    from tunesmith.stages.pipeline import run_stages

    with writing(context.folder, context.command, context.console):
        run_stages(context, ["check"])
        plan = make_plan(context)
        plan.write(context.folder.plan)
    for line in plan_lines(plan):
        context.console.log(line)
    warn_of_space(context, plan)
    if mix := planned_mix(context):
        context.console.log(mix.line())


def dry_run(context: RunContext) -> int:
    """Try training out.

    Returns:
        0, or 1 when an error-level finding is left after quarantine.
    """
    with writing(context.folder, context.command, context.console):
        print_plan(context)
        count_parameters(context)
        timed = time_updates(context)
        if timed is not None:
            plan = make_plan(context)
            log_measured(context, timed, plan)
    left = CheckFindings.read(context.folder.findings).errors_left()
    for finding in left:
        context.console.log(msg("  error  {clip}: {said}", clip=finding.clip, said=finding.message), style="red")
    done = msg("dry run: nothing was trained; {count} errors must be settled first", count=len(left))
    context.console.log(done if left else msg("dry run: nothing was trained"))
    return 1 if left else 0


def count_parameters(context: RunContext) -> None:
    """Build the model on the meta device with its adapter and count what trains."""
    from tunesmith.adapters.attach import attach
    from tunesmith.adapters.parameters import trainable

    networks = context.family.networks.load(meta=True)
    total = sum(p.numel() for n in networks.values() for p in n.parameters())
    recipe = context.recipe
    attached = attach(networks, recipe.adapter, context.family.adapters.defaults(), recipe.train.seed)
    trained = sum(p.numel() for p in trainable(attached).values())
    context.console.log(
        msg(
            "model: {parameters:.2f} M parameters, {trained:.2f} M trained ({share:.2%}), adapter file {size:.1f} MB",
            parameters=total / 1e6,
            trained=trained / 1e6,
            share=trained / total,
            size=4 * trained / 1e6,
        )
    )


def time_updates(context: RunContext) -> TimedUpdates | None:
    """Encode the shortest clip and take two real updates on it, in memory only; ``None`` without weights."""
    from tunesmith.data.cache import EncodedStore
    from tunesmith.stages.encode import encode_samples
    from tunesmith.training.loop import train_update
    from tunesmith.training.setup import build_train_state, clips_of
    from tunesmith.training.state import RunClips

    try:
        context.family.card.facts()
    except TunesmithError as error:
        context.console.warn(msg("no real updates: {reason}", reason=error.message))
        return None
    shortest = [min(training_samples(context), key=lambda s: (not s.targets, s.seconds))]
    encode_samples(context, EncodedStore(context.folder.cache, context.family.encoding.fields()), shortest)
    state = build_train_state(context, RunClips(clips_of(context, shortest)))
    seconds, frames = 0.0, 0
    for _ in range(2):
        begun = time.monotonic()
        result = train_update(state)
        seconds, frames = time.monotonic() - begun, result.tokens
        state.progress.update += 1
        context.console.log(
            msg(
                "real update {update}: loss {loss:.4f}, {seconds:.2f} s for {frames} frames",
                update=state.progress.update,
                loss=result.measured.loss,
                seconds=seconds,
                frames=frames,
            )
        )
    return TimedUpdates(seconds, frames, peak_memory())


def peak_memory() -> int:
    """Peak memory of this process in bytes: of the GPU where there is one, else of the whole process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def log_measured(context: RunContext, timed: TimedUpdates, plan: RunPlan) -> None:
    """What the two real updates mean for the whole run."""
    per_frame = timed.seconds / max(1, timed.frames)
    card = context.family.card.facts()
    crop = min(plan.seconds_of_audio / max(1, plan.clips), context.recipe.data.max_seconds)
    frames = crop * card.frame_rate * plan.clips_per_update * plan.updates
    context.console.log(
        msg(
            "measured: peak memory {memory:.2f} GiB on one short clip; training about {duration} at this speed "
            "({speed:.0f} frames/s), without previews",
            memory=timed.peak_bytes / 2**30,
            duration=duration(per_frame * frames),
            speed=1 / per_frame,
        )
    )
