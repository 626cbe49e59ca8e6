"""Exports an adapter for others: a PEFT folder, a merged model, and (only when asked) a push to the Hub."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder
from tunesmith.run.context import RunContext


def export(
    context: RunContext,
    *,
    which: Literal["best", "final"] = "best",
    merged: bool = False,
    push: str | None = None,
    out: Path | None = None,
) -> Path:
    """Write an adapter (or the merged model) where the user wants it, and push it if told to.

    Returns:
        The folder written.

    Raises:
        TunesmithError: when there is no adapter, or the push fails (the folder stays).
    """
    source = context.folder.best if which == "best" else context.folder.final
    if not source.exists():
        raise TunesmithError(
            f"this run has no {which} adapter yet", where=str(context.folder.path), remedy="Train it first."
        )
    target = out or context.folder.path / "export" / ("merged" if merged else "adapter")
    refuse_other_folders(target)
    if merged:
        _export_merged(context, source, target)
    else:
        with atomic_folder(target) as temporary:
            shutil.copytree(source, temporary, dirs_exist_ok=True)
    context.voice.say(f"exported to {target}")
    if push is not None:
        push_to_hub(target, push)
        context.voice.say(f"pushed to {push}")
    return target


def refuse_other_folders(target: Path) -> None:
    """An export replaces an earlier export, never anything else.

    Raises:
        TunesmithError: when the folder holds something that is not an export.
    """
    if target.is_dir() and any(target.iterdir()):
        names = {path.name for path in target.iterdir()}
        if "README.md" not in names or not names & {"adapter_config.json", "config.json"}:
            raise TunesmithError(
                "this folder holds other things, and an export would replace it",
                where=str(target),
                remedy="Name a folder that is new or empty.",
            )


def _export_merged(context: RunContext, source: Path, target: Path) -> None:
    from tunesmith.run.adapted import load_adapted

    context.family.export_merged(load_adapted(context.family, source), target)
    shutil.copy(source / "README.md", target / "README.md")


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
            f"could not push to {repository} ({type(error).__name__})",
            where=str(folder),
            remedy="Log in with `hf auth login` and check the network (HF_ENDPOINT names a mirror); the folder "
            "is written, nothing is lost.",
        ) from error
