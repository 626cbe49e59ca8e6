"""Exports an adapter for others: a PEFT folder, another tool's file, a merged model, and when asked a push."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder
from tunesmith.run.context import RunContext
from tunesmith.stages.writing import writing
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.families.contract import Family

PEFT = "peft"
_CARD, _MARK = "README.md", "\n- tunesmith\n"


def export(
    context: RunContext,
    *,
    which: Literal["best", "final"] = "best",
    format: str = PEFT,
    merged: bool = False,
    push: str | None = None,
    out: Path | None = None,
) -> Path:
    """Write an adapter (or the merged model) where the user wants it, and push it if asked to.

    Args:
        context: The run.
        which: Its best or its last adapter.
        format: ``peft``, or one of the family's own adapter formats.
        merged: Write the whole model with the adapter inside instead.
        push: Upload the folder to this Hub repository.
        out: The folder to write; under the run's ``export/`` when left out.

    Returns:
        The folder written.

    Raises:
        TunesmithError: when there is no adapter or no such format, or the push fails (the folder stays).
    """
    write = writer(context.family, format)
    if merged and format != PEFT:
        raise TunesmithError(
            msg("a merged model is not an adapter, so it cannot be written as {format}", format=format),
            where="--merged",
            remedy=msg("Give either --merged or --format."),
        )
    source = context.folder.best if which == "best" else context.folder.final
    if not source.exists():
        raise TunesmithError(
            msg("this run has no {which} adapter yet", which=which),
            where=str(context.folder.path),
            remedy=msg("Train it first."),
        )
    target = out or context.folder.path / "export" / _folder_name(context, format, merged=merged)
    refuse_other_folders(target, context)
    inside = target.resolve().is_relative_to(context.folder.path.resolve())
    with writing(context.folder, context.command, context.console) if inside else nullcontext():
        if merged:
            _export_merged(context, source, target)
        else:
            with atomic_folder(target) as temporary:
                write(source, temporary)
                shutil.copy(source / _CARD, temporary / _CARD)
    context.console.log(msg("exported to {path}", path=str(target)))
    if push is not None:
        push_to_hub(target, push)
        context.console.log(msg("pushed to {repository}", repository=push))
    return target


def writer(family: Family, format: str) -> Callable[[Path, Path], None]:
    """What writes a PEFT folder in a format into another folder.

    Raises:
        TunesmithError: when the family has no such format.
    """
    formats = {PEFT: _copy} | family.adapters.formats()
    if format not in formats:
        raise TunesmithError(
            msg("{family} has no adapter format `{format}`", family=family.name, format=format),
            where="--format",
            remedy=msg("It has {formats}.", formats=tuple(formats)),
        )
    return formats[format]


def refuse_other_folders(target: Path, context: RunContext) -> None:
    """An export replaces an earlier export (known by its card), never anything else, and never the run's own adapters.

    Raises:
        TunesmithError: when the target is a file, or a folder that holds something that is not an export.
    """
    if target.resolve() in (context.folder.best.resolve(), context.folder.final.resolve()):
        problem = msg("this folder is the run's own adapter")
    elif target.exists() and not target.is_dir():
        problem = msg("this is a file, and an export is a folder")
    elif target.is_dir() and any(target.iterdir()) and not _is_export(target):
        problem = msg("this folder holds other things, and an export would replace it")
    else:
        return
    raise TunesmithError(problem, where=str(target), remedy=msg("Name a folder that is new or empty."))


def _is_export(folder: Path) -> bool:
    card = folder / _CARD
    return card.is_file() and _MARK in card.read_text(encoding="utf-8", errors="replace")


def _folder_name(context: RunContext, format: str, *, merged: bool) -> str:
    """Other tools list adapters by the name of their folder, so that is the run's there."""
    if merged:
        return "merged"
    return "adapter" if format == PEFT else f"{context.folder.path.resolve().name}-{format}"


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


def _export_merged(context: RunContext, source: Path, target: Path) -> None:
    from tunesmith.run.adapted import read_adapted

    networks = read_adapted(context.family, source)
    with atomic_folder(target) as temporary:
        context.family.adapters.export_merged(networks, temporary)
        shutil.copy(source / _CARD, temporary / _CARD)


def push_to_hub(folder: Path, repository: str) -> None:
    """Upload a folder to the Hub (or the mirror that ``HF_ENDPOINT`` names).

    Raises:
        TunesmithError: when it cannot be uploaded.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api = HfApi()
        api.create_repo(repository, exist_ok=True, private=True)
        api.upload_folder(repo_id=repository, folder_path=folder)
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise TunesmithError(
            msg("could not push to {repository} ({kind})", repository=repository, kind=type(error).__name__),
            where=str(folder),
            remedy=msg(
                "Log in with `hf auth login` and check the network (HF_ENDPOINT names a mirror); the folder "
                "is written, nothing is lost."
            ),
        ) from error
