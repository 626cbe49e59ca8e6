"""Checkpoints that continue the same trajectory: adapter, optimizer, averages, random state, position."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from tunesmith import __version__
from tunesmith.adapters.files import load_adapter, save_adapter
from tunesmith.adapters.parameters import ParameterKey
from tunesmith.adapters.tensors import read_tensors, unpickled
from tunesmith.data.content import base_content, content_key
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder, write_json
from tunesmith.recipe.decided import recipe_keys, was_recorded
from tunesmith.recipe.models import Recipe
from tunesmith.records.checkpoint_state import CLIPS, CLIPS_PER_UPDATE, CheckpointState
from tunesmith.run.folder import STATE, RunFolder
from tunesmith.texts import Message, in_turn, msg
from tunesmith.training.optimizers import optimizer_of
from tunesmith.training.progress import Progress
from tunesmith.training.state import TrainState

OPTIMIZER, EMA = "optimizer.pt", "ema.safetensors"
SHAPES = "shapes"
"""What tells adapters of the same settings apart; too long to be shown."""
_KEY_NAMES = {CLIPS_PER_UPDATE: msg("clips per update"), CLIPS: msg("clips")}
"""What has no key in the recipe, in words."""
ANEW = msg("Change the recipe back, or train anew with `--fresh` (the old results are kept as an attempt).")


def save(state: TrainState, folder: RunFolder) -> Path:
    """Write ``checkpoints/step-N`` whole or not at all, then prune older ones."""
    from safetensors.torch import save_file

    target = folder.checkpoints / f"step-{state.progress.update:06d}"
    with atomic_folder(target) as temporary:
        save_adapter(state.networks, temporary, state.family.card.base_name)
        if state.ema is not None:
            save_file({str(k): v.float().cpu().contiguous() for k, v in state.ema.shadow.items()}, temporary / EMA)
        scaler = state.accelerator.scaler
        torch.save(
            {
                "optimizer": state.optimizer.state_dict(),
                "scaler": scaler.state_dict() if scaler is not None else None,
                "rng": torch.get_rng_state(),
            },
            temporary / OPTIMIZER,
        )
        write_json(
            temporary / STATE,
            {
                "format": CheckpointState.FORMAT,
                "progress": asdict(state.progress),  # NaN stays NaN: it was measured
                "identity": identity(state),
                "tunesmith": __version__,
                "precision": state.precision,
            },
        )
    progress = state.progress
    prune(
        folder, state.settings.keep_checkpoints, [progress.best_update, *(update for update, _ in progress.candidates)]
    )
    return target


def precision_of(path: Path | None) -> str:
    """What a checkpoint was made in; empty without one, and where it does not say."""
    return CheckpointState.read(path / STATE).precision if path else ""


def identity(state: TrainState) -> dict[str, Any]:
    """What a checkpoint belongs to: every key that decides what is learnt, but for the length of the run."""
    mix = state.schedule.mix
    return {
        **recipe_identity(state.recipe, state.schedule.per_update, state.family.settings),
        "model.family": state.family.name,
        CLIPS: clips_name(state.train.ids) + (f", {mix.drawn} of replay per pass" if mix else ""),
        SHAPES: {str(key): list(p.shape) for key, p in state.parameters.items()},
        **optimizer_of(state.settings).identity(),
    }


def recipe_identity(recipe: Recipe, clips_per_update: int, settings: BaseModel | None) -> dict[str, Any]:
    """The part of :func:`identity` that a recipe decides; a base model in a local folder counts by its content."""
    keys = [key for key in recipe_keys(recipe, settings) if key.decides is None or key.decides.what == "weights"]
    named = {
        key.name: key.value for key in keys if not (key.decides and (key.decides.length or key.decides.in_manifest))
    }
    path = base_content(recipe.model.path)
    base = {"model.path": path} if path else {}
    return {**named, **base, CLIPS_PER_UPDATE: clips_per_update}


def clips_name(ids: Sequence[str]) -> str:
    """How many clips, and a short key of which."""
    return f"{len(ids)} ({content_key(*sorted(ids))[:8]})"


def load(state: TrainState, path: Path, accepted: Collection[str] = ()) -> None:
    """Continue from a checkpoint.

    Args:
        state: The run.
        path: The checkpoint.
        accepted: Names of what may differ from what it was made under.

    Raises:
        TunesmithError: when it belongs to another base, adapter, seed, batch size or set of clips, or is incomplete.
    """
    record = CheckpointState.read(path / STATE)
    refuse_other(record.identity, identity(state), path, accepted=accepted)
    load_adapter(state.networks, path)
    try:
        _load_optimizer(state, path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _incomplete(path) from error
    if state.ema is not None:
        _load_ema(state, path)
    progress = _progress(record, path)
    done, planned = [record["name"] for record in progress.history], [stage.name for stage in state.stages]
    if progress.stage >= len(planned) or done != planned[: len(done)]:
        raise TunesmithError(
            msg(
                "this checkpoint has done the stages {done}, and the recipe now has {planned}",
                done=tuple(done),
                planned=tuple(planned),
            ),
            where=str(path),
            remedy=msg(
                "Change train.stages back, or train anew with `--fresh` (the old results are kept as an attempt)."
            ),
        )
    state.progress = progress


def _load_optimizer(state: TrainState, path: Path) -> None:
    """Optimizer, scaler and random state; whatever Python makes of a damaged file is raised as it is."""
    saved = unpickled(path / OPTIMIZER)
    settings = [
        {key: value for key, value in group.items() if key != "params"} for group in state.optimizer.param_groups
    ]
    state.optimizer.load_state_dict(with_present_names(saved["optimizer"]))
    for group, values in zip(state.optimizer.param_groups, settings, strict=True):
        group.update(values)  # the recipe's, where they were changed since
    if saved["scaler"] is not None and state.accelerator.scaler is not None:
        state.accelerator.scaler.load_state_dict(saved["scaler"])
    torch.set_rng_state(saved["rng"])


def _incomplete(path: Path) -> TunesmithError:
    return TunesmithError(
        msg("this checkpoint is incomplete"), where=str(path), remedy=msg("Delete it; the one before is used.")
    )


def _progress(record: CheckpointState, path: Path) -> Progress:
    try:
        return Progress(**record.progress)
    except TypeError as error:
        raise TunesmithError(
            msg("this checkpoint does not say how far its run is ({reason})", reason=str(error)),
            where=str(path / STATE),
            remedy=msg("Delete it; the one before is used."),
        ) from error


def with_present_names(optimizer: dict[str, Any]) -> dict[str, Any]:
    """An optimizer's state with parameter groups as they are named now; ``lr_scale`` was once called ``share``."""
    names = {"share": "lr_scale"}
    groups = [{names.get(key, key): value for key, value in group.items()} for group in optimizer["param_groups"]]
    return {**optimizer, "param_groups": groups}


def _load_ema(state: TrainState, path: Path) -> None:
    if state.ema is None or not (path / EMA).exists():
        raise TunesmithError(
            msg("this checkpoint has no moving average"),
            where=str(path),
            remedy=msg("Set train.ema_decay to 0, or train anew."),
        )
    saved = {ParameterKey.parse(text): tensor for text, tensor in read_tensors(path / EMA).items()}
    if {key: tensor.shape for key, tensor in saved.items()} != {k: t.shape for k, t in state.ema.shadow.items()}:
        raise _incomplete(path)
    for key, tensor in saved.items():
        state.ema.shadow[key].copy_(tensor)


def refuse_other(
    saved: Mapping[str, Any],
    present: Mapping[str, Any],
    where: Path,
    remedy: str | Message = ANEW,
    accepted: Collection[str] = (),
) -> None:
    """Refuse to continue a checkpoint in a run that it does not belong to.

    What the checkpoint does not know was not written down when it was made, and is not compared.

    Args:
        saved: What it belongs to, by what a user would call it.
        present: What the run is now.
        where: The checkpoint.
        remedy: What can be done.
        accepted: Names of what may differ.

    Raises:
        TunesmithError: naming what differs.
    """
    names = [key for key in {**present, **saved} if was_recorded(key, saved) and key not in accepted]
    different = [key for key in names if saved.get(key) != present.get(key)]
    if not different:
        return
    differences = [
        msg(
            "{key} {saved} there, {present} here",
            key=_KEY_NAMES.get(key, key),
            saved=_short(saved.get(key)),
            present=_short(present.get(key)),
        )
        for key in different
        if key != SHAPES
    ]
    raise TunesmithError(
        msg("this checkpoint belongs to another run: {differences}", differences=in_turn(differences))
        if differences
        else msg("this checkpoint belongs to another run: other adapter shapes"),
        where=str(where),
        remedy=remedy,
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def prune(folder: RunFolder, keep: int, best: Collection[int | None]) -> None:
    """Keep the newest ``keep`` checkpoints and the best ones."""
    found = sorted(p for p in folder.checkpoints.glob("step-*") if p.is_dir())
    kept = {*found[-keep:], *(folder.checkpoints / f"step-{update:06d}" for update in best if update is not None)}
    for path in found:
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)
