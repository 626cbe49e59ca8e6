"""Where a run of the trainer lies (``{logger_dir}/lightning_logs/<time><exp_name>``), and what it continues."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder, explain_os_error, read_json, write_json
from tunesmith.recipe.names import valid_name
from tunesmith.records.checkpoint_state import CLIPS, CLIPS_PER_UPDATE, CheckpointState
from tunesmith.records.metrics import ValidLine
from tunesmith.run.folder import STATE, RunFolder
from tunesmith.texts import msg
from tunesmith.training import checkpoint as checkpoints
from tunesmith.training.best import nothing_best_yet
from tunesmith.training.checkpoint import clips_name

if TYPE_CHECKING:
    from tunesmith.recipe.models import Recipe

LOGS = "lightning_logs"
TIME = "%Y-%m-%d_%H-%M-%S"
_TIME_PATTERN = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d"
CHECKPOINTS = "checkpoints"
"""In a run folder: what a run is resumed from, and the adapters of every save."""


def runs_of(logger_dir: Path, name: str) -> list[RunFolder]:
    """Runs of an experiment that came past their checks, oldest first."""
    pattern = re.compile(_TIME_PATTERN + re.escape(name))
    logs = logger_dir / LOGS
    found = sorted(path for path in logs.iterdir() if pattern.fullmatch(path.name)) if logs.is_dir() else []
    return [RunFolder(path) for path in found if RunFolder(path).stage("encode").exists()]


def new_run(logger_dir: Path, name: str) -> RunFolder:
    """A new folder named after this second.

    Raises:
        TunesmithError: when it cannot be made.
    """
    while True:
        path = logger_dir / LOGS / f"{time.strftime(TIME)}{name}"
        try:
            path.mkdir(parents=True)
            return RunFolder(path).create()
        except FileExistsError:
            if not path.is_dir():
                raise TunesmithError(
                    msg("part of this path is a file, not a folder"),
                    where=str(path),
                    remedy=msg("Choose another --logger_dir."),
                ) from None
            time.sleep(0.1)  # another run of this name began in this second
        except OSError as error:
            raise explain_os_error(error, path) from error


def refuse_name(name: str) -> None:
    """An experiment's name is a part of folder names.

    Raises:
        TunesmithError: when it cannot be.
    """
    if not valid_name(name):
        raise TunesmithError(
            msg("`{name}` cannot name a run", name=name),
            where="--exp_name",
            remedy=msg("Use letters, digits and . _ -, beginning with a letter or digit."),
        )


def refuse_other(checkpoint: Path, recipe: Recipe, clips_per_update: int) -> None:
    """A checkpoint is continued with the base, the adapter and the batch that it was made with.

    Raises:
        TunesmithError: naming what differs.
    """
    saved = _adapter_of(CheckpointState.read(checkpoint / STATE).identity)
    present = _adapter_of(checkpoints.recipe_identity(recipe, clips_per_update, None))
    remedy = msg("Give the same base, LoRA config and batch again, or begin a new run without it.")
    checkpoints.refuse_other(saved, present, checkpoint, remedy)


def _adapter_of(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Base, adapter and batch of a checkpoint's identity, by the names of the LoRA config."""
    wanted = {name: value for name, value in identity.items() if name.startswith("adapter.")}
    found = {name.removeprefix("adapter."): value for name, value in wanted.items()}
    names = {"model.path": "base", CLIPS_PER_UPDATE: CLIPS_PER_UPDATE}
    return found | {name: identity[key] for key, name in names.items() if key in identity}


def refuse_other_clips(checkpoint: Path, samples: Iterable[Sample]) -> None:
    """A checkpoint is continued with the clips that it was made with.

    Raises:
        TunesmithError: when others are trained on now.
    """
    saved = CheckpointState.read(checkpoint / STATE).identity[CLIPS]
    present = clips_name([sample.id for sample in samples if sample.split == "train"])
    if saved != present:
        raise TunesmithError(
            msg("this checkpoint belongs to other clips ({saved} there, {present} here)", saved=saved, present=present),
            where=str(checkpoint),
            remedy=msg("Give the same dataset again, or begin a new run without it."),
        )


def begin_from(checkpoint: Path, folder: RunFolder) -> None:
    """Copy a checkpoint into a run, which then continues it; the run that it is from stays as it is.

    What was best in the earlier run stays there: the new one calls best what beats the base model from here on. A
    checkpoint of this very run stays where it is.
    """
    target = folder.checkpoints / checkpoint.name
    if target.exists():
        return
    state = read_json(checkpoint / STATE)
    earlier = RunFolder(checkpoint.parent.parent)
    before = [line.loss for line in earlier.read_metrics(ValidLine) if line.update == 0]
    fresh = nothing_best_yet(before[0] if before else None)
    with atomic_folder(target) as temporary:
        shutil.copytree(checkpoint, temporary, dirs_exist_ok=True)
        write_json(temporary / STATE, {**state, "progress": {**state["progress"], **fresh}})
    if earlier.metrics.is_file():
        shutil.copy2(earlier.metrics, folder.metrics)


def refuse_checkpoint(path: Path) -> None:
    """Whether a folder can be resumed from.

    Raises:
        TunesmithError: saying what it is instead.
    """
    if path.is_dir() and (path / STATE).is_file() and re.fullmatch(r"step-\d+", path.name):
        return
    if not path.exists():
        raise TunesmithError(msg("there is no such checkpoint"), where=str(path), remedy=msg("Check --ckpt_path."))
    if path.is_file():
        raise TunesmithError(
            msg("a file cannot be resumed from; Lightning's .ckpt files hold program objects, which are never loaded"),
            where=str(path),
            remedy=msg("Give a folder checkpoints/step-N of a run made here."),
        )
    folders = (path, path.parent, path / CHECKPOINTS)
    nearby = tuple(dict.fromkeys(sorted(found.name for folder in folders for found in folder.glob("step-*"))))
    raise TunesmithError(
        msg("this folder holds an adapter without the optimizer's state")
        if _is_adapter(path)
        else msg("this folder is no checkpoint"),
        where=str(path),
        remedy=msg("Give a folder checkpoints/step-N of a run ({names} are there).", names=nearby)
        if nearby
        else msg("Give a folder checkpoints/step-N of a run."),
    )


def _is_adapter(path: Path) -> bool:
    return any((path / name).is_file() for name in ("adapter_model.safetensors", "pytorch_lora_weights.safetensors"))


def refuse_taken(saves: Path) -> None:
    """Adapters of a new run never replace those of another.

    Raises:
        TunesmithError: when a folder given as ``--checkpoint_dir`` holds adapters already.
    """
    if saves.exists() and not saves.is_dir():
        raise TunesmithError(
            msg("this is a file, not a folder"), where=str(saves), remedy=msg("Give another --checkpoint_dir.")
        )
    held = sorted(saves.glob("epoch=*_lora")) if saves.is_dir() else []
    if held:
        name = held[0].name
        raise TunesmithError(
            msg("this folder holds the adapters of another run ({name}, …)", name=name)
            if len(held) > 1
            else msg("this folder holds the adapters of another run ({name})", name=name),
            where=str(saves),
            remedy=msg("Give another --checkpoint_dir, or continue that run with --resume auto."),
        )
