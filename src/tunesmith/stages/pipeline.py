"""Runs stages in order and skips those whose inputs have not changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tunesmith.data.content import content_key
from tunesmith.files import write_text
from tunesmith.records.stage_state import StageState
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES
from tunesmith.stages.staleness import stage_inputs
from tunesmith.texts import msg

StageFunction = Callable[..., dict[str, Any]]


def stage_function(name: str) -> StageFunction:
    """The function of a stage, imported only when it runs."""
    match name:
        case "check":
            from tunesmith.stages.check import check as stage
        case "encode":
            from tunesmith.stages.encode import encode as stage
        case "train":
            from tunesmith.training.trainer import train as stage
        case "generate":
            from tunesmith.stages.generate import generate as stage
        case "evaluate":
            from tunesmith.stages.evaluate import evaluate as stage
        case "report":
            from tunesmith.stages.report import report as stage
        case _:
            raise ValueError(name)
    return stage


def run_stages(
    context: RunContext, stages: Sequence[str] = STAGES, *, force: bool = False, resume: bool | None = None
) -> int:
    """Do the named stages, and before them any earlier one that they build on and that is out of date.

    Args:
        context: The run.
        stages: What to do.
        force: Do the named stages although nothing has changed.
        resume: Whether training goes on from its newest checkpoint; ``None`` goes on after an interruption and begins
            anew when the recipe or the clips have changed since.

    Returns:
        The exit code: 0.

    Raises:
        TunesmithError: from the stage that failed; what earlier stages made stays.
    """
    if not is_main():
        context.console.mute()
    record_start(context)
    for name in needed(stages):
        if name != "train" and not is_main():
            await_main(context, name)
            continue
        fingerprint = fingerprint_of(context, name)
        state = context.folder.stage_state(name)
        fresh = state is not None and state.fingerprint == fingerprint and state.status == "done"
        wanted = name in stages
        if fresh and not (force and wanted):
            context.console.log(msg("{stage}: nothing has changed, skipped", stage=name), style="dim")
            continue
        same = state is None or state.fingerprint == fingerprint
        run_stage(context, name, fingerprint, resume=(same and not force) if resume is None else resume)
    return 0


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


def run_stage(context: RunContext, name: str, fingerprint: str, *, resume: bool = True) -> None:
    """Do one stage and record that it is done."""
    context.console.title(f"── {name} " + "─" * max(3, 70 - len(name)))
    if is_main():
        StageState(stage=name, fingerprint=fingerprint, status="running").write(context.folder.stage(name))
    begun = time.monotonic()
    stage = stage_function(name)
    summary = stage(context, resume=resume) if name == "train" else stage(context)
    if is_main():
        StageState(
            stage=name,
            # Encoding may put samples aside, so that its own input is another one afterwards.
            fingerprint=fingerprint_of(context, name) if name == "encode" else fingerprint,
            status="done",
            seconds=round(time.monotonic() - begun, 1),
            summary=summary,
            command=f"tunesmith {name} {context.folder.path}",
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
        state = context.folder.stage_state(name)
        if state is not None and state.status == "done" and state.fingerprint == fingerprint_of(context, name):
            return
        time.sleep(0.2)


def fingerprint_of(context: RunContext, name: str) -> str:
    """Key of everything a stage's result depends on."""
    return content_key(name, *stage_inputs(context, name))


def record_start(context: RunContext) -> None:
    """Write the resolved recipe and the environment."""
    from tunesmith.recipe.write import dump_resolved
    from tunesmith.run.environment import environment

    if is_main():
        context.folder.create()
        write_text(context.folder.resolved, dump_resolved(context.recipe))
        environment(context).write(context.folder.environment)


def is_main() -> bool:
    """Whether this is the first (or only) process of a distributed run."""
    import os

    return os.environ.get("RANK", "0") == "0"
