"""Where training begins: anew, with earlier results kept as an attempt, or from the newest checkpoint."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.data.content import content_key
from tunesmith.files import copy_file, explain_os_error, write_text
from tunesmith.records.environment import Environment, PrecisionTrial
from tunesmith.records.stage_state import StageState
from tunesmith.run.attempts import archive, has_weights
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg

_ANEW = ("--fresh", "--force", "--no-resume", "-f")


@dataclass(frozen=True)
class Start:
    """How training begins.

    Attributes:
        resume: Go on from the newest checkpoint, if there is one.
        accepted: What may differ from what the checkpoint was made under, by name; said by :attr:`said`.
        said: What differs, one sentence each.
        inputs: Everything that the result depends on, for the record; ``None`` keeps none.
        longer: Only the run's length differs, so that one that had stopped early goes on.
    """

    resume: bool = True
    accepted: Collection[str] = ()
    said: tuple[Message, ...] = ()
    inputs: Mapping[str, Any] | None = None
    longer: bool = False


def refuse_snapshots(context: RunContext) -> None:
    """Make the folder of the snapshots before anything is trained, rather than fail at the first save.

    Raises:
        TunesmithError: when there can be no such folder.
    """
    if context.recipe.train.snapshots:
        folder = context.folder.path / context.recipe.train.snapshots
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain_os_error(error, folder) from error


def make_room(context: RunContext) -> None:
    """Before training begins anew: earlier weights become an attempt, and what is left of none goes."""
    folder = context.folder
    if has_weights(folder):
        kept = archive(folder, context.recipe.train.snapshots)
        context.console.log(msg("the earlier results of this run are kept in {path}", path=str(kept)))
        return
    for path in (folder.previews, folder.tensorboard):  # of a beginning that came to no checkpoint
        shutil.rmtree(path, ignore_errors=True)


def record_trial(folder: RunFolder, trial: PrecisionTrial | None) -> None:
    """Write what was tried into ``environment.json``, where the trial of an earlier beginning goes."""
    if folder.environment.exists():
        found = Environment.read(folder.environment)
        found.model_copy(update={"precision": trial}).write(folder.environment)


def record_begin(context: RunContext, start: Start) -> None:
    """Write down what is trained on what, and the command that goes on after an interruption."""
    folder = context.folder
    folder.trained_on.mkdir(parents=True, exist_ok=True)
    for path in (folder.resolved, folder.environment, folder.manifest, folder.findings, folder.clip_index):
        if path.exists():
            copy_file(path, folder.trained_on / path.name)
    write_text(folder.go_on, go_on_text(context))
    if start.inputs is not None:
        running = StageState(
            stage="train", fingerprint=fingerprint(start.inputs), status="running", inputs=dict(start.inputs)
        )
        running.write(folder.stage("train"))


def go_on_text(context: RunContext) -> str:
    """The folder to stand in and the command to type, for whoever comes back after a power cut."""
    command = context.command or f"tunesmith train {context.folder.path}"
    words = [word for word in shlex.split(command) if word not in _ANEW]
    return f"cd {shlex.quote(str(Path.cwd()))}\n{shlex.join(words)}\n"


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """Key of everything that a stage's result depends on."""
    return content_key(*(f"{name}={inputs[name]!r}" for name in sorted(inputs)))
