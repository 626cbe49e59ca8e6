"""The trainer's flags as a recipe."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.doorways.ace_step.lora_config import read_lora_config
from tunesmith.doorways.ace_step.options import PRECISIONS, TRAIN_DEFAULTS
from tunesmith.doorways.ace_step.run_dir import CHECKPOINTS
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

WARMUP, BETAS = 10, (0.8, 0.9)
"""As ACE-Step's own trainer has them."""
NO_CLIPPING = 1e30
"""A limit that no gradient reaches."""


@dataclass(frozen=True)
class Folders:
    """What ``--model`` and ``--checkpoint_dir`` mean together.

    Attributes:
        base: The base model: hub id, folder or ``pocket/ace_step``.
        saves: Where adapters are saved, if not in the run's own folder.
        note: What the user should know about it.
    """

    base: str
    saves: Path | None
    note: Message | None = None


def folders(model: str, checkpoint_dir: str | None) -> Folders:
    """``--checkpoint_dir`` is the base model where it holds one (upstream's code), else where saves go (its guide).

    Raises:
        TunesmithError: when two base models are named, or the folder holds a part of one.
    """
    from tunesmith.families.ace_step.config import FOLDERS
    from tunesmith.families.ace_step.source import POCKET, is_checkpoint
    from tunesmith.recipe.load import resolved_path

    base = POCKET if model == "pocket" else resolved_path(model, Path.cwd(), always=False)
    if checkpoint_dir is None:
        return Folders(base, None)
    path = Path(checkpoint_dir).expanduser().resolve()
    if not is_checkpoint(path):
        present = [name for name in FOLDERS if (path / name).is_dir()]
        if present:
            absent = tuple(name for name in FOLDERS if name not in present)
            raise TunesmithError(
                msg("this folder holds a part of a base model ({names})", names=tuple(present)),
                where=str(path),
                remedy=msg("Add {names}, or give another folder to save in.", names=absent),
            )
        return Folders(
            base, path, msg("--checkpoint_dir holds no base model, so adapters are saved in it: {path}", path=str(path))
        )
    if model != TRAIN_DEFAULTS["model"] and base != str(path):
        raise TunesmithError(
            msg(
                "--model {model} and --checkpoint_dir {checkpoint_dir} name two base models",
                model=model,
                checkpoint_dir=checkpoint_dir,
            ),
            remedy=msg("Give one of them."),
        )
    note = msg("--checkpoint_dir holds the four model folders, so it is the base model: {path}", path=str(path))
    return Folders(str(path), None, note)


def as_recipe(args: argparse.Namespace, places: Folders) -> dict[str, Any]:
    """The flags as a recipe; everything not among them is the family's own starting recipe.

    Raises:
        TunesmithError: for a dataset that is not there, or a LoRA config that cannot be used.
    """
    from tunesmith.families.ace_step.family import ACE_STEP

    start = ACE_STEP.recipe_defaults
    return {
        **start,
        "name": args.exp_name,
        "model": {"path": places.base, "family": ACE_STEP.name, "precision": PRECISIONS[args.precision]},
        "data": {**start["data"], **_dataset(Path(args.dataset_path).expanduser())},
        "adapter": read_lora_config(Path(args.lora_config_path).expanduser()),
        "train": {
            "updates": args.max_steps,
            "batch_size": args.batch_size,
            "accumulation": args.accumulate_grad_batches,
            "learning_rate": args.learning_rate,
            "warmup_updates": WARMUP,
            "schedule": "linear",
            "min_lr_share": 0.0,
            "betas": BETAS,
            "max_grad_norm": args.gradient_clip_val or NO_CLIPPING,
            "clip": args.gradient_clip_algorithm,
            "save_every": args.every_n_train_steps,
            # A share of an epoch is known in updates once the clips are counted: setup.settled.
            "valid_every": args.val_check_interval
            if isinstance(args.val_check_interval, int)
            else args.every_n_train_steps,
            "snapshots": str(places.saves or CHECKPOINTS),
            "early_stopping": 0,
            "gradient_checkpointing": True,
        },
        "previews": {**start["previews"], "every": args.every_plot_step},
        "options": {"shift": args.shift, "ssl": "on" if args.ssl else "off"},
    }


def _dataset(folder: Path) -> dict[str, str]:
    from tunesmith.data.layouts import detect_layout

    if not folder.is_dir():
        raise TunesmithError(
            msg("there is no such dataset folder"),
            where=str(folder),
            remedy=msg("Make it with convert2hf_dataset.py, or check --dataset_path."),
        )
    return {"folder": str(folder.resolve()), "layout": detect_layout(folder)}
