"""Where a MusicGen checkpoint lies: the pocket model, a local folder, or the Hub."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.musicgen.config import refuse_unsupported
from tunesmith.files import read_json

HUB_SIZES = {"small": 2.36, "medium": 8.04, "large": 13.7}
"""Download size in GB by model size, for the message when weights are missing."""
_FILES = ["*.json", "*.model", "*.txt", "model*.safetensors"]


def is_musicgen(path: str) -> bool:
    """Whether ``path`` names a MusicGen checkpoint; never touches the network."""
    folder = Path(path).expanduser()
    if path == "pocket":
        return True
    if (folder / "config.json").exists():
        config = read_json(folder / "config.json")
        return isinstance(config, dict) and str(config.get("model_type", "")).startswith("musicgen")
    return "musicgen" in path.lower()


@lru_cache(maxsize=16)
def locate(path: str, revision: str | None = None) -> Path:
    """The local folder of a checkpoint, downloading it from the Hub (or ``HF_ENDPOINT``'s mirror) if need be.

    Raises:
        TunesmithError: for kinds that are not supported, and when the weights can be neither found nor downloaded.
    """
    refuse_unsupported(path)
    if path == "pocket":
        from tunesmith.pocket.examples import pocket_path

        return pocket_path("musicgen")
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if path.count("/") != 1 or path.startswith((".", "/", "~")):
        raise TunesmithError(
            "there is no such model folder",
            where=path,
            remedy="Check the path, or give a hub id such as facebook/musicgen-small.",
        )
    return _download(path, revision)


def _download(path: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(path, revision=revision, allow_patterns=_FILES, local_files_only=True))
        if any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin")):
            return folder  # a snapshot may also hold a config alone, from an earlier look at it
    except LocalEntryNotFoundError:
        pass
    try:
        names = HfApi().list_repo_files(path, revision=revision)
        patterns = _FILES if any(name.endswith(".safetensors") for name in names) else [*_FILES, "pytorch_model*.bin"]
        return Path(snapshot_download(path, revision=revision, allow_patterns=patterns))
    except Exception as error:  # whatever its HTTP client raises: no network, no such repository, no permission
        size = next((f", about {gb} GB" for name, gb in HUB_SIZES.items() if path.endswith(name)), "")
        raise TunesmithError(
            f"the weights of {path} are not on this machine and could not be downloaded ({type(error).__name__})",
            remedy=f"They are in the Hub repository {path} (CC BY-NC 4.0{size}). Set HF_ENDPOINT to use a mirror, "
            "or copy the folder here and give its path.",
        ) from error
