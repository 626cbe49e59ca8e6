"""Where a MusicGen checkpoint lies: the pocket model, a local folder, or the Hub."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tunesmith.families.hub import download, local_folder, weights_file
from tunesmith.families.musicgen.config import refuse_unsupported
from tunesmith.files import read_json

HUB_SIZES = {"small": 2.36, "medium": 8.04, "large": 13.7}
"""Download size in GB by model size, for the message when weights are missing."""
_FILES = ["*.json", "*.model", "*.txt"]


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
        from tunesmith.pocket.shipped import pocket_path

        return pocket_path("musicgen")
    folder = local_folder(path, "facebook/musicgen-small")
    if folder is not None:
        return folder

    def wanted() -> list[str]:
        return [*_FILES, weights_file(path, revision, "model*.safetensors", "pytorch_model*.bin")]

    size = next((f", about {gb} GB" for name, gb in HUB_SIZES.items() if path.endswith(name)), "")
    return download(path, revision, absent=_absent, allow=wanted, about=f"CC BY-NC 4.0{size}")


def _absent(folder: Path) -> list[str]:
    """A snapshot may hold a config alone, from an earlier look at it."""
    there = any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin"))
    return [] if there else ["model.safetensors"]
