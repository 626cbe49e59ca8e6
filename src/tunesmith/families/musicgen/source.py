"""Where a MusicGen checkpoint lies: the pocket model, a local folder, or the Hub."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.hub import download, local_folder, weights_file
from tunesmith.families.indexed import indexed_files
from tunesmith.families.musicgen.config import LICENCE, refuse_unsupported
from tunesmith.files import read_json
from tunesmith.texts import msg

HUB_SIZES = {"small": 2.36, "medium": 8.04, "large": 13.7}
"""Download size in GB by model size, for the message when weights are missing."""
POCKET = ("pocket", "pocket/musicgen")
"""What to write as model path for the pocket model of this family."""
_FILES = ["*.json", "*.model", "*.txt"]


def is_musicgen(path: str) -> bool:
    """Whether ``path`` names a MusicGen checkpoint; never touches the network."""
    folder = Path(path).expanduser()
    if path in POCKET:
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
    if path in POCKET:
        from tunesmith.pocket.shipped import pocket_path

        return pocket_path("musicgen")
    folder = local_folder(path, "facebook/musicgen-small")
    if folder is not None:
        return folder

    def patterns() -> list[str]:
        return [*_FILES, weights_file(path, revision, "model*.safetensors", "pytorch_model*.bin")]

    size = next((gigabytes for name, gigabytes in HUB_SIZES.items() if path.endswith(name)), None)
    about = LICENCE if size is None else msg("{licence}, about {gigabytes} GB", licence=LICENCE, gigabytes=size)
    return download(path, revision, absent=_absent, allow=patterns, about=about)


def _absent(folder: Path) -> list[str]:
    """The weights, where a copy has none: a snapshot may hold the config alone, which was read before."""
    has_weights = any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin"))
    return [] if has_weights else ["model.safetensors"]


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights, safetensors before pickle.

    Raises:
        TunesmithError: when there are none, or a shard is missing.
    """
    for stem in ("model.safetensors", "pytorch_model.bin"):
        index = folder / f"{stem}.index.json"
        if index.exists():
            files = indexed_files(index)
        elif (folder / stem).exists():
            files = [folder / stem]
        else:
            continue
        absent = [file.name for file in files if not file.exists()]
        if absent:
            raise TunesmithError(
                msg("weights are incomplete: {files} missing", files=tuple(absent)),
                where=str(folder),
                remedy=msg("Download the checkpoint again."),
            )
        return files
    raise TunesmithError(
        msg("this folder holds no weights"),
        where=str(folder),
        remedy=msg("It needs model.safetensors (or pytorch_model.bin)."),
    )
