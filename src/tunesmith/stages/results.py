"""What a training command does with the results that a run has: leave them, go on from them, or keep them apart.

Nothing that was learnt is given up by a command that did not ask for it: where what decides the weights has changed, it
stops and names the ways to go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.errors import TunesmithError
from tunesmith.recipe.decided import Change, changes, recipe_keys, settings_of
from tunesmith.records.checkpoint_state import CLIPS, CheckpointState
from tunesmith.records.clip_index import ClipIndex
from tunesmith.records.settings import CLIPS as ABOUT_CLIPS
from tunesmith.records.settings import Decides
from tunesmith.records.stage_state import StageState
from tunesmith.run.attempts import has_weights
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STATE
from tunesmith.texts import Message, in_turn, msg
from tunesmith.training.schedule import DEFAULT_UPDATES
from tunesmith.training.start import Start

Asked = Literal["resume", "fresh", "fresh_if_changed"] | None
"""What the user asked for: to go on; to begin anew and keep the old results apart; the same, but only where something
has changed; or nothing."""


@dataclass(frozen=True)
class TrainingDecision:
    """What becomes of a training command.

    Attributes:
        action: Leave what is done, choose the best weights again, or train.
        start: Where training begins.
        changed: What differs from what was trained with.
    """

    action: Literal["skip", "choose", "train"]
    start: Start
    changed: tuple[Change, ...] = ()


def decide(context: RunContext, inputs: Mapping[str, Any], asked: Asked) -> TrainingDecision:
    """What a training command does.

    Args:
        context: The run.
        inputs: What training depends on, as it is now.
        asked: What the user asked for.

    Raises:
        TunesmithError: when what decides the weights has changed and the user has not said what is to happen, or
            training cannot go on under the change.
    """
    state = context.folder.stage_state("train")
    done = state is not None and state.status == "done"
    if asked == "fresh":
        return TrainingDecision("train", Start(resume=False, inputs=inputs))
    if not has_weights(context.folder):
        return TrainingDecision("train", Start(inputs=inputs))
    changed = changed_since(context, state, inputs)
    more = [change for change in changed if is_longer(change) or gives_patience(context, change)]
    weights = [change for change in changed if change.decides.what == "weights" and change not in more]
    # What is done has had more than is asked for, and has learnt from clips that are gone since.
    other = [c for c in weights if not (done and (c.decides.length or only_lost_clips(context, c)))]
    if other and asked == "fresh_if_changed":
        return TrainingDecision("train", Start(resume=False, inputs=inputs), tuple(changed))
    if other and asked != "resume":
        raise unasked(context, other, done=done)
    if other or (done and more):
        refuse_fixed(context, other)
    if done and not more:
        if other:
            raise nothing_left(context)
        chosen = any(change.name == "train.use_weights" for change in changed)
        return TrainingDecision("choose" if chosen else "skip", Start(inputs=inputs), tuple(changed))
    return on(context, inputs, changed, longer=bool(more))


def changed_since(context: RunContext, state: StageState | None, inputs: Mapping[str, Any]) -> list[Change]:
    """What differs between what was trained with and what is asked for now."""
    if state is None or state.inputs is None:
        return []
    keys = recipe_keys(context.recipe, settings_of(context.recipe))
    decided: dict[str, Decides] = {key.name: key.decides for key in keys if key.decides is not None}
    decided[CLIPS] = ABOUT_CLIPS
    return changes(state.inputs, inputs, decided)


def on(
    context: RunContext, inputs: Mapping[str, Any], changed: Sequence[Change], *, longer: bool = False
) -> TrainingDecision:
    """Train from the newest checkpoint, and say what differs."""
    said = tuple(line_of(context, change) for change in changed)
    names = [change.name for change in changed]
    return TrainingDecision("train", Start(accepted=names, said=said, inputs=inputs, longer=longer), tuple(changed))


def is_longer(change: Change) -> bool:
    """Whether a change only makes a run longer."""
    if not change.decides.length:
        return False
    default = DEFAULT_UPDATES if change.name == "train.updates" else 0
    old, new = (default if value is None else value for value in (change.old, change.new))
    return bool(new > old)


def unasked(context: RunContext, weights: Sequence[Change], *, done: bool) -> TunesmithError:
    """What is said where the user has to choose."""
    run, command = context.folder.path, command_of(context)
    fixed = [change for change in weights if not change.decides.resumable]
    ways = [
        msg("`{command} --fresh` trains anew and keeps the old results in attempts/", command=command),
        msg("`tunesmith new NAME --like {run}` makes another run of it", run=str(run)),
    ]
    if not (fixed or done) and context.folder.newest_checkpoint():
        ways.insert(0, msg("`{command} --resume` goes on from the newest checkpoint with it", command=command))
    return TunesmithError(
        msg(
            "this run has results of other settings: {changes}", changes=in_turn([line_of(context, c) for c in weights])
        ),
        where=str(run),
        remedy=msg("Nothing was changed. {ways}.", ways=in_turn(ways)),
    )


def command_of(context: RunContext) -> str:
    """The command that trains this run, as it was typed."""
    typed = context.command.split()
    own = typed[:1] == ["tunesmith"] and typed[1:2] in (["train"], ["run"])
    return context.command if own else f"tunesmith train {context.folder.path}"


def refuse_fixed(context: RunContext, weights: Sequence[Change]) -> None:
    """Training goes on only where the checkpoint still means something.

    Raises:
        TunesmithError: naming what it cannot go on under, or that there is no checkpoint.
    """
    run = context.folder.path
    anew = msg(
        "Change it back, or train anew with `tunesmith train {run} --fresh` (the old results are kept).", run=str(run)
    )
    fixed = [change for change in weights if not change.decides.resumable]
    if fixed:
        said = in_turn([line_of(context, change) for change in fixed])
        raise TunesmithError(
            msg("no checkpoint can be continued under this change: {changes}", changes=said),
            where=str(run),
            remedy=anew,
        )
    if context.folder.newest_checkpoint() is None:
        raise TunesmithError(
            msg("there is no checkpoint to go on from"), where=str(context.folder.checkpoints), remedy=anew
        )


def line_of(context: RunContext, change: Change) -> Message:
    """A change in words; of the clips which ones."""
    before, now = context.folder.trained_on / "clips.json", context.folder.clip_index
    if change.name == "model.precision" and change.new == "auto":
        return msg("{change} (a run that goes on keeps the precision it began in)", change=change.line())
    if change.name == "model.precision":
        return msg("{change} (numbers are rounded otherwise from now on)", change=change.line())
    if change.decides.what == "execution":
        return msg("{change} (the last bits may differ from now on)", change=change.line())
    if change.name != CLIPS or not (before.exists() and now.exists()):
        return change.line()
    told = ClipIndex.read(before).compared(ClipIndex.read(now))
    return msg("clips: {told}", told=told) if told else change.line()


def only_lost_clips(context: RunContext, change: Change) -> bool:
    """Whether a change is that clips are gone, which may move others between the sides of the split."""
    before, now = context.folder.trained_on / "clips.json", context.folder.clip_index
    if change.name != CLIPS or not (before.exists() and now.exists()):
        return False
    earlier, left = ClipIndex.read(before).contents, ClipIndex.read(now).contents
    return len(left) < len(earlier) and left.items() <= earlier.items()


def gives_patience(context: RunContext, change: Change) -> bool:
    """Whether a change lets a run go on that had stopped early."""
    last = context.folder.newest_checkpoint()
    if change.name != "train.early_stopping" or last is None or (change.new and change.new <= change.old):
        return False
    return bool(CheckpointState.read(last / STATE).progress.get("finished"))


def nothing_left(context: RunContext) -> TunesmithError:
    """What is said where training would go on under another setting and is at its end."""
    return TunesmithError(
        msg("this run has had all its updates, so nothing is left to train with the changed settings"),
        where=str(context.folder.path),
        remedy=msg("Ask for more with train.updates, or train anew with --fresh."),
    )
