"""Earlier results of a run: moved whole to ``attempts/<time>/``, each a run folder that every verb can open."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.run.folder import RunFolder
from tunesmith.texts import msg

_RESULT_STAGES = ("train", "generate", "evaluate", "report")


def has_weights(folder: RunFolder) -> bool:
    """Whether a run folder holds anything that training made and a person may want: checkpoints or adapters."""
    return any(path.is_dir() and any(path.iterdir()) for path in (folder.checkpoints, folder.best, folder.final))


def archive(folder: RunFolder, snapshots: str = "") -> Path:
    """Move a run's results to a new attempt; recipe, clips and cache stay.

    Args:
        folder: The run.
        snapshots: The recipe's ``train.snapshots``, a folder inside of the run that belongs to the results.

    Raises:
        TunesmithError: when something cannot be moved; what was moved before stays in the attempt.
    """
    attempt = _new_attempt(folder)
    try:
        for path in _results(folder, snapshots):
            target = attempt.path / path.relative_to(folder.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
        _unpack_trained_on(attempt)
        for path in (folder.recipe, folder.environment):
            target = attempt.path / path.name
            if path.exists() and not target.exists():
                shutil.copyfile(path, target)
    except OSError as error:
        raise explain_os_error(error, attempt.path) from error
    return attempt.path


def archive_models(folder: RunFolder) -> Path:
    """Copy a run's adapters to a new attempt, before others are chosen.

    Raises:
        TunesmithError: when they cannot be copied.
    """
    attempt = _new_attempt(folder)
    try:
        for path in (folder.best, folder.final):
            if path.exists():
                shutil.copytree(path, attempt.path / path.name)
        if folder.trained_on.exists():
            shutil.copytree(folder.trained_on, attempt.trained_on)
        _unpack_trained_on(attempt)
    except OSError as error:
        raise explain_os_error(error, attempt.path) from error
    return attempt.path


def attempts_of(folder: RunFolder) -> list[RunFolder]:
    """The earlier results of a run, the oldest first."""
    found = folder.attempts.iterdir() if folder.attempts.is_dir() else []
    return [RunFolder(path) for path in sorted(found) if path.is_dir() and not path.name.startswith(".")]


def attempt_named(folder: RunFolder, name: str) -> RunFolder:
    """One of a run's attempts, by its name or by the beginning of it.

    Raises:
        TunesmithError: when there is no such attempt, or more than one.
    """
    there = attempts_of(folder)
    found = [attempt for attempt in there if attempt.path.name == name]
    found = found or [attempt for attempt in there if attempt.path.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    names = tuple(attempt.path.name for attempt in there)
    raise TunesmithError(
        msg("`{name}` names {count} attempts of this run", name=name, count=len(found)),
        where=str(folder.attempts),
        remedy=msg("There are {names}.", names=names) if names else msg("It has none."),
    )


def _results(folder: RunFolder, snapshots: str) -> list[Path]:
    made = [folder.checkpoints, folder.previews, folder.best, folder.final, folder.tensorboard, folder.metrics]
    made += [folder.generated, folder.evaluation, folder.report, folder.trained_on, folder.go_on]
    made += [folder.listening_page, folder.listening, *folder.listening_keys()]
    made += [folder.stage(name) for name in _RESULT_STAGES]
    if snapshots and (folder.path / snapshots).resolve().is_relative_to(folder.path.resolve()):
        made.append(folder.path / snapshots)
    return [path for path in dict.fromkeys(made) if path.exists()]


def _unpack_trained_on(attempt: RunFolder) -> None:
    """What the weights were trained on takes the place that it has in a run folder."""
    kept = attempt.trained_on
    targets = {
        "recipe.resolved.yaml": (attempt.recipe, attempt.resolved),
        "environment.json": (attempt.environment,),
        "manifest.jsonl": (attempt.manifest,),
        "findings.json": (attempt.findings,),
        "clips.json": (attempt.clip_index,),
    }
    for name, places in targets.items():
        for place in places if (kept / name).exists() else ():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kept / name, place)


def _new_attempt(folder: RunFolder) -> RunFolder:
    first = folder.attempts / datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
    number, path = 2, first
    while path.exists():
        path, number = first.with_name(f"{first.name}-{number}"), number + 1
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise explain_os_error(error, path) from error
    return RunFolder(path)
