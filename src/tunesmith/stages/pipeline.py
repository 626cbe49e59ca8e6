"""Runs stages in order and skips those whose inputs have not changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.records.stage_state import StageState
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES
from tunesmith.run.launcher import is_launched, is_launcher_gone
from tunesmith.run.loaded_once import loaded_once
from tunesmith.stages.damage import set_aside_damaged_states
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.made import lost_result
from tunesmith.stages.old_records import record_inputs_of_old
from tunesmith.stages.remote_clips import bring
from tunesmith.stages.results import Asked, decide, line_of
from tunesmith.stages.space import compare_with_free_space
from tunesmith.stages.writing import is_main, writing
from tunesmith.texts import in_turn, msg
from tunesmith.training.start import Start, fingerprint

StageFunction = Callable[..., dict[str, Any]]


def stage_function(name: str) -> StageFunction:
    """The function of a stage, imported only when it runs."""
    match name:
        case "check":
            from tunesmith.stages.check import check as stage
        case "encode":
            from tunesmith.stages.encode import encode as stage
        case "train":
            from tunesmith.stages.train import train as stage
        case "generate":
            from tunesmith.stages.generate import generate as stage
        case "evaluate":
            from tunesmith.stages.evaluate import evaluate as stage
        case "report":
            from tunesmith.stages.report import report as stage
        case _:
            raise ValueError(name)
    return stage


def run_stages(context: RunContext, stages: Sequence[str] = STAGES, *, force: bool = False, asked: Asked = None) -> int:
    """Do the named stages, and before them any earlier one that they build on and that is out of date.

    Args:
        context: The run.
        stages: What to do.
        force: Do the named stages although nothing has changed; earlier results of training are kept as an attempt.
        asked: Whether training goes on from its newest checkpoint or begins anew, where the recipe or the clips have
            changed since; an interrupted training of the same goes on by itself.

    Returns:
        The exit code: 0.

    Raises:
        TunesmithError: from the stage that failed; what earlier stages made stays.
    """
    with writing(context.folder, context.command, context.console):
        if not is_main():
            context.console.mute()
        else:
            set_aside_damaged_states(context)
            record_inputs_of_old(context)
        record_start(context)
        do_stages(context, stages, force=force, asked=asked)
    return 0


def do_stages(context: RunContext, stages: Sequence[str], *, force: bool, asked: Asked) -> None:
    """Do stages in a run folder that is held."""
    with loaded_once(context) as before:
        for name in needed(stages):
            if name != "train" and not is_main():
                await_main(context, name)
                continue
            anew = force and name in stages
            if name == "check":
                bring(context.recipe.data.folder, context.console, anew=anew)
            inputs = stage_inputs(context, name)
            if name == "train":
                train_stage(context, inputs, "fresh" if anew else asked, before)
            elif anew or not is_done(context, name, inputs) or not is_there(context, name):
                before(name)
                run_stage(context, name, inputs)
            else:
                say_skipped(context, name)


def is_done(context: RunContext, name: str, inputs: Mapping[str, Any]) -> bool:
    """Whether a stage has been done on these very inputs."""
    state = context.folder.stage_state(name)
    return state is not None and state.status == "done" and state.fingerprint == fingerprint(inputs)


def is_there(context: RunContext, name: str) -> bool:
    """Whether what a stage has made is still there and whole; what is not is said."""
    if name == "encode":
        return cache_is_sound(context)
    lost = lost_result(context, name)
    if lost is not None:
        context.console.warn(
            msg("{path} is missing or damaged, so the stage {stage} is done again", path=str(lost), stage=name)
        )
    return lost is None


def cache_is_sound(context: RunContext) -> bool:
    """Whether the cache still holds what was encoded."""
    from tunesmith.stages.encode import is_cache_sound

    return is_cache_sound(context)


def say_skipped(context: RunContext, name: str) -> None:
    """Say that a stage is up to date."""
    context.console.log(msg("{stage}: nothing has changed, skipped", stage=name), style="dim")


def train_stage(context: RunContext, inputs: dict[str, Any], asked: Asked, before: Callable[[str], None]) -> None:
    """Do what :func:`tunesmith.stages.results.decide` says, and say what had no effect; ``before`` is told of training.

    Raises:
        TunesmithError: when the user has to choose what becomes of the results that are there.
    """
    decision = decide(context, inputs, asked)
    if decision.action == "train":
        if is_main():
            compare_with_free_space(context)
        before("train")
        run_stage(context, "train", inputs, start=decision.start)
        return
    if decision.action == "choose":
        from tunesmith.training.choose import choose_again

        choose_again(context, decision.start)
        return
    say_skipped(context, "train")
    if decision.changed:
        lines = in_turn([line_of(context, change) for change in decision.changed])
        context.console.log(msg("  for the next training: {changes}", changes=lines), style="dim")


def needed(stages: Sequence[str]) -> list[str]:
    """The stages asked for and those they build on, in order. Reporting builds on whatever is there."""
    before = {
        "check": [],
        "encode": ["check"],
        "train": ["check", "encode"],
        "generate": [],
        "evaluate": [],
        "report": [],
    }
    wanted = {*stages, *(earlier for stage in stages for earlier in before[stage])}
    return [name for name in STAGES if name in wanted]


def run_stage(context: RunContext, name: str, inputs: dict[str, Any], *, start: Start | None = None) -> None:
    """Do one stage and write down that it is done."""
    context.console.title(f"── {name} " + "─" * max(3, 70 - len(name)))
    if is_main() and name != "train":  # training writes it down itself, when it has made room for its results
        running = StageState(stage=name, fingerprint=fingerprint(inputs), status="running", inputs=inputs)
        running.write(context.folder.stage(name))
    begun = time.monotonic()
    stage = stage_function(name)
    summary = stage(context, start) if start is not None else stage(context)
    if is_main():
        # Encoding may put samples aside, so that its own input is another one afterwards.
        used = stage_inputs(context, name) if name == "encode" else inputs
        StageState(
            stage=name,
            fingerprint=fingerprint(used),
            status="done",
            seconds=round(time.monotonic() - begun, 1),
            summary=summary,
            command=f"tunesmith {name} {context.folder.path}",
            inputs=used,
        ).write(context.folder.stage(name))
    done = msg(
        "{stage} done in {seconds:.1f} s; by itself: tunesmith {stage} {run}",
        stage=name,
        seconds=time.monotonic() - begun,
        run=str(context.folder.path),
    )
    context.console.log(done, style="dim")


def await_main(context: RunContext, name: str) -> None:
    """Let the first process of a distributed run do a stage that is not training; the launcher ends us if it fails."""
    if name not in {"check", "encode"}:
        return
    while True:
        if is_done(context, name, stage_inputs(context, name)):
            return
        if is_launched() and is_launcher_gone():
            raise TunesmithError(
                msg("the command that started this process has ended"), remedy=msg("Start all processes again.")
            )
        time.sleep(0.2)


def record_start(context: RunContext) -> None:
    """Write the resolved recipe and the environment."""
    from tunesmith.recipe.write import dump_resolved
    from tunesmith.run.environment import environment

    if is_main():
        context.folder.create()
        write_text(context.folder.resolved, dump_resolved(context.recipe))
        environment(context).write(context.folder.environment)
