"""Checkpoints on the Hub: which names are hub ids, and how a repository comes to this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg, with_remedy

_NAMED = 3
"""How many absent files a sentence names."""


def is_hub_id(path: str) -> bool:
    """Whether a path can be a repository on the Hub: ``owner/name``."""
    return path.count("/") == 1 and not path.startswith((".", "/", "~"))


def local_folder(path: str, example: str) -> Path | None:
    """The folder that a model path names; ``None`` for a hub id.

    Args:
        path: As the recipe has it.
        example: A hub id to name where it is neither.

    Raises:
        TunesmithError: when it is neither.
    """
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if is_hub_id(path):
        return None
    raise TunesmithError(
        msg("there is no such model folder"),
        where=path,
        remedy=msg("Check the path, or give a hub id such as {example}.", example=example),
    )


def is_downloaded(path: str, revision: str | None, file: str) -> bool:
    """Whether one file of a repository is in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    return is_hub_id(path) and isinstance(try_to_load_from_cache(path, file, revision=revision), str)


def download(
    path: str,
    revision: str | None = None,
    *,
    absent: Callable[[Path], Sequence[str]],
    allow: Callable[[], list[str]] | None = None,
    ignore: list[str] | None = None,
    about: str | Message = "",
    key: str = "",
) -> Path:
    """A repository's local copy: from the cache where it is whole there, else from the Hub (or ``HF_ENDPOINT``).

    Args:
        path: Hub id.
        revision: Of the repository.
        absent: Names the files that a copy lacks; an interrupted download, or one of the config alone, leaves it
            incomplete.
        allow: Gives the patterns of the files to download; called only when something has to be downloaded.
        ignore: Patterns of files to leave out.
        about: Licence and size, for the message when the download fails.
        key: The recipe's key under which a local folder can be given instead.

    Raises:
        TunesmithError: when it is in neither.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    missing: list[str] = []
    try:
        folder = Path(snapshot_download(path, revision=revision, ignore_patterns=ignore, local_files_only=True))
        missing = list(absent(folder))
        if not missing:
            return folder
    except LocalEntryNotFoundError:
        pass
    try:
        patterns = allow() if allow else None
        return Path(snapshot_download(path, revision=revision, allow_patterns=patterns, ignore_patterns=ignore))
    except Exception as error:  # whatever its HTTP client raises: no network, no such repository, no permission
        raise TunesmithError(
            _not_downloaded(path, missing, type(error).__name__), remedy=_where_to_get(path, about, key)
        ) from error


def _not_downloaded(path: str, missing: Sequence[str], error: str) -> Message:
    if not missing:
        return msg(
            "the files of {path} are not on this machine and could not be downloaded ({error})", path=path, error=error
        )
    return msg(
        "the files of {path} are not on this machine in whole (absent: {files}) and could not be downloaded ({error})",
        path=path,
        files=(*missing[:_NAMED], "…") if len(missing) > _NAMED else tuple(missing),
        error=error,
    )


def _where_to_get(path: str, about: str | Message, key: str) -> Message:
    if about:
        source = msg("They are in the Hub repository {path} ({about})", path=path, about=about)
    else:
        source = msg("They are in the Hub repository {path}", path=path)
    if key:
        remedy = msg("Set HF_ENDPOINT to use a mirror, or copy the folder here and give its path in {key}.", key=key)
    else:
        remedy = msg("Set HF_ENDPOINT to use a mirror, or copy the folder here and give its path.")
    return with_remedy(source, remedy)


def weights_file(path: str, revision: str | None, safetensors: str, pickled: str) -> str:
    """The name or pattern of a repository's weights: pickled ones only where there are no others."""
    from huggingface_hub import HfApi

    names = HfApi().list_repo_files(path, revision=revision)
    return safetensors if any(fnmatch(name, safetensors) for name in names) else pickled
