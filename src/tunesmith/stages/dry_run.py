"""Training tried out: what trains, what it takes, real updates on the largest batch, whether anything is in the way."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.data.replay import is_replay, mix_of
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.planning.sentences import duration, plan_lines
from tunesmith.planning.times import LISTEN_SECONDS, START_SECONDS
from tunesmith.planning.work import FORWARDS, Work
from tunesmith.records.findings import CheckFindings
from tunesmith.run.context import RunContext
from tunesmith.stages.planned import bounded_outputs, make_plan, samples_of, work_for
from tunesmith.stages.space import warn_of_space
from tunesmith.stages.writing import writing
from tunesmith.texts import msg
from tunesmith.training.schedule import clips_per_update

if TYPE_CHECKING:
    from tunesmith.training.state import TrainState


@dataclass(frozen=True)
class Measured:
    """What real updates and a real round of previews took.

    Attributes:
        per_frame: Seconds per frame, by training stage.
        clips: Clips of the largest update.
        frames: Its frames.
        peak_bytes: The peak memory.
        round: Seconds of a round of previews; 0 without any.
    """

    per_frame: dict[str, float]
    clips: int
    frames: int
    peak_bytes: int
    round: float


def print_plan(context: RunContext, *, processes: int | None = None) -> None:
    """Check the clips, then print what the run will take; kept in ``plan.json``.

    Args:
        context: The run.
        processes: How many will train; those of this launch by default.
    """
    from tunesmith.stages.pipeline import run_stages

    with writing(context.folder, context.command, context.console):
        run_stages(context, ["check"])
        plan = make_plan(context, processes=processes)
        plan.write(context.folder.plan)
    for line in plan_lines(plan):
        context.console.log(line)
    warn_of_space(context, plan)
    _, said = bounded_outputs(context, samples_of(context))
    for line in said.values():
        context.console.log(line)
    training = [sample for sample in samples_of(context) if sample.split == "train"]
    if mix := mix_of(training, context.recipe.data.replay_share):
        context.console.log(mix.line())


def dry_run(context: RunContext) -> int:
    """Try training out.

    Returns:
        0, or 1 when an error-level finding is left after quarantine.
    """
    with writing(context.folder, context.command, context.console):
        print_plan(context)
        count_parameters(context)
        measured = measure_training(context)
        if measured is not None:
            log_measured(context, measured)
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


def measure_training(context: RunContext) -> Measured | None:
    """Take real updates on the largest batch and make a round of previews, in memory only; ``None`` without weights."""
    from tunesmith.data.cache import EncodedStore
    from tunesmith.stages.encode import encode_samples
    from tunesmith.training.setup import build_train_state, clips_of
    from tunesmith.training.state import RunClips

    try:
        context.family.card.facts()
    except TunesmithError as error:
        context.console.warn(msg("no real updates: {reason}", reason=error.message))
        return None
    largest = largest_update(context)
    encode_samples(context, EncodedStore(context.folder.cache, context.family.encoding.fields()), largest)
    clips = clips_of(context, largest)
    clips.min_frames = clips.max_frames  # of a longer clip the longest crop
    state = build_train_state(context, RunClips(clips))
    timed = {stage.name: timed_update(context, state, number) for number, stage in enumerate(state.stages)}
    return Measured(
        per_frame={name: seconds / max(1, frames) for name, (seconds, frames) in timed.items()},
        clips=len(largest),
        frames=max(frames for _, frames in timed.values()),
        peak_bytes=peak_memory(),
        round=timed_round(context, state),
    )


def largest_update(context: RunContext) -> list[Sample]:
    """The longest clips, as many as one update of one process has."""
    training = [sample for sample in samples_of(context) if sample.split == "train"]
    by_length = sorted(training, key=lambda sample: (-sample.seconds, sample.id))
    return by_length[: clips_per_update(context.recipe.train)]


def timed_update(context: RunContext, state: TrainState, stage: int) -> tuple[float, int]:
    """Seconds of the second of two real updates of a stage, and its frames."""
    from tunesmith.training.loop import train_update
    from tunesmith.training.progress import Progress

    state.progress, seconds, frames = Progress(stage=stage), 0.0, 0
    for _ in range(2):
        begun = time.monotonic()
        result = train_update(state)
        seconds, frames = time.monotonic() - begun, result.tokens
        state.progress.update += 1
        context.console.log(
            msg(
                "real update {update} of stage {stage}: loss {loss:.4f}, {seconds:.2f} s for {frames} frames",
                update=state.progress.update,
                stage=state.stage.name,
                loss=result.measured.loss,
                seconds=seconds,
                frames=frames,
            )
        )
    return seconds, frames


def timed_round(context: RunContext, state: TrainState) -> float:
    """Seconds of one round of previews; 0 where there are none."""
    from tunesmith.training.previews import preview_requests

    if not context.recipe.previews.every:
        return 0.0
    requests = preview_requests(context, [sample for sample in samples_of(context) if not is_replay(sample)])
    begun = time.monotonic()
    if requests:
        with state.measuring():
            generator = state.family.generation.generator(state.networks, str(state.accelerator.device))
            for _ in generator.generate(requests):
                pass
    return time.monotonic() - begun if requests else 0.0


def peak_memory() -> int:
    """Peak memory of this process in bytes: of the GPU where there is one, else of the whole process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def log_measured(context: RunContext, measured: Measured) -> None:
    """What the real updates and previews mean for the whole run."""
    bounded, _ = bounded_outputs(context, samples_of(context))
    work = work_for(bounded, context.family.card.facts(), samples_of(context))
    training = expected_training(work, measured.per_frame)
    rounds, share = work.preview_rounds, context.recipe.previews.max_share
    previews = min(rounds * measured.round, max(min(2, rounds) * measured.round, share * training))
    said = msg(
        "measured on the largest batch ({clips} clips, {frames} frames): peak memory {memory:.2f} GiB; training about "
        "{training}, with previews {both}",
        clips=measured.clips,
        frames=measured.frames,
        memory=measured.peak_bytes / 2**30,
        training=duration(training),
        both=duration(training + previews),
    )
    context.console.log(said)
    if measured.round:
        context.console.log(
            msg(
                "generate and evaluate after it: about {time}, at the speed of these previews",
                time=duration(expected_outputs(work, measured.round)),
            )
        )


def expected_outputs(work: Work, measured_round: float) -> float:
    """Seconds of ``generate`` and ``evaluate`` at the speed of a measured round of previews."""
    made = sum(work.audio[name].total for name in ("generate", "evaluate", "strengths"))
    per_second = measured_round / work.previews(1).total
    return 2 * START_SECONDS + made * (per_second + LISTEN_SECONDS)


def expected_training(work: Work, per_frame: Mapping[str, float]) -> float:
    """Seconds of all updates and held-out measurements at a measured speed."""
    data, train, rate = work.recipe.data, work.recipe.train, work.card.frame_rate
    frames = work.clips.mean(data, whole=work.whole) * rate * clips_per_update(train)
    held_out = work.clips.held_out(data, whole=work.whole) * rate / FORWARDS
    return sum(
        per_frame[stage.name] * (stage.updates * frames + (stage.updates // train.valid_every + 1) * held_out)
        for stage in work.stages
    )
