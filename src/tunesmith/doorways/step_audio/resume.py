"""Whether a run can go on as ``--resume`` asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.errors import TunesmithError
from tunesmith.records.checkpoint_state import CLIPS_PER_UPDATE, CheckpointState
from tunesmith.run.folder import STATE, RunFolder
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.recipe.models import Recipe

AUTO = "auto"
"""What ``--resume`` alone means: the newest checkpoint of this run."""


def refuse_resume(wanted: str | None, folder: RunFolder, recipe: Recipe, mode: str) -> None:
    """Whether this run can go on as ``--resume`` asks.

    Args:
        wanted: ``auto``, the run's folder, or its newest ``checkpoints/step-N``; ``None`` asks for nothing.
        folder: The run's.
        recipe: What it is now.
        mode: What is to be trained.

    Raises:
        TunesmithError: saying what is in the way.
    """
    from tunesmith.training.checkpoint import refuse_other

    if wanted is None:
        return
    last = folder.newest_checkpoint()
    if wanted != AUTO:
        _refuse_place(Path(wanted).expanduser(), folder, last)
    if last is None:
        raise TunesmithError(
            msg("there is no checkpoint to go on from"),
            where=str(folder.path),
            remedy=msg("Leave --resume out to begin this run, or set save.ckpt_dir to the run that is meant."),
        )
    saved = CheckpointState.read(last / STATE).identity
    remedy = msg("Put it back to go on, leave --resume away to train anew, or name another save.ckpt_dir.")
    refuse_other(_identity(saved), _identity_of(recipe, mode), last, remedy)


def _refuse_place(path: Path, folder: RunFolder, last: Path | None) -> None:
    if path.suffix in (".pt", ".pth", ".safetensors"):
        raise TunesmithError(
            msg("a file of weights has no optimizer's state to go on with"),
            where=str(path),
            remedy=msg("Write --resume alone: it goes on from the newest checkpoints/step-N of save.ckpt_dir."),
        )
    if path.resolve() == folder.path.resolve() or (last is not None and path.resolve() == last.resolve()):
        return
    raise TunesmithError(
        msg("this is not the newest checkpoint of {run}", run=str(folder.path)),
        where=str(path),
        remedy=msg(
            "That is {checkpoint}. Write --resume alone, or set save.ckpt_dir to the run that is meant.",
            checkpoint=last.name,
        )
        if last
        else msg("It has none yet; set save.ckpt_dir to the run that is meant."),
    )


def _identity(saved: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint belongs to, by the names of the guide's config."""
    names = {
        "model.path": "base",
        "options.train": "mode",
        "adapter.rank": "lora_r",
        "adapter.alpha": "lora_alpha",
        "adapter.targets": "lora_target_modules",
        "adapter.networks.flow.kind": "flow",
        CLIPS_PER_UPDATE: CLIPS_PER_UPDATE,
        "train.seed": "seed",
    }
    return {name: saved[key] for key, name in names.items() if key in saved}


def _identity_of(recipe: Recipe, mode: str) -> dict[str, Any]:
    from tunesmith.training.checkpoint import recipe_identity

    present = recipe_identity(recipe, recipe.train.batch_size * recipe.train.accumulation, None)
    return _identity({**present, "options.train": mode})
