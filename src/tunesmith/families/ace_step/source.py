"""Where an ACE-Step v1 checkpoint lies: the pocket model, a local folder, or the Hub."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import FOLDERS, LICENCE
from tunesmith.families.hub import download, is_hub_id, local_folder
from tunesmith.texts import msg

REPOSITORY = "ACE-Step/ACE-Step-v1-3.5B"
POCKET = "pocket/ace_step"
"""What to write as model path for the pocket model of this family; ``pocket`` alone is MusicGen's."""
DOWNLOAD_GB = 8.3
_FILES = [f"{folder}/*" for folder in FOLDERS]


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds the four model folders (upstream's own rule)."""
    return all((folder / name).is_dir() for name in FOLDERS)


def is_ace_step(path: str) -> bool:
    """Whether ``path`` names an ACE-Step v1 checkpoint; never touches the network.

    Raises:
        TunesmithError: for ACE-Step 1.5, which is another model.
    """
    if path == POCKET or is_checkpoint(Path(path).expanduser()):
        return True
    name = path.lower()
    if ("ace-step" not in name and "acestep" not in name) or Path(path).expanduser().is_dir():
        return False
    if "1.5" in name or "v15" in name or "v1.5" in name:
        raise TunesmithError(
            msg("ACE-Step 1.5 is another model than v1 and is not supported yet"),
            where=path,
            remedy=msg("Use {repository}.", repository=REPOSITORY),
        )
    return is_hub_id(path)


@lru_cache(maxsize=16)
def locate(path: str, revision: str | None = None) -> Path:
    """The local folder of a checkpoint, downloading it from the Hub (or ``HF_ENDPOINT``'s mirror) if need be.

    Raises:
        TunesmithError: when the weights can be neither found nor downloaded, or a folder is not a checkpoint.
    """
    if path in (POCKET, "pocket"):
        from tunesmith.pocket.shipped import pocket_path

        return pocket_path("ace_step")
    folder = local_folder(path, REPOSITORY)
    if folder is None:
        about = msg("{licence}, about {gigabytes} GB", licence=LICENCE, gigabytes=DOWNLOAD_GB)
        return download(path, revision, absent=_absent, allow=lambda: _FILES, about=about)
    absent = [name for name in FOLDERS if not (folder / name).is_dir()]
    if absent:
        raise TunesmithError(
            msg("this folder is not an ACE-Step v1 checkpoint: {folders} missing", folders=tuple(absent)),
            where=str(folder),
            remedy=msg("It needs the folders {folders}.", folders=FOLDERS),
        )
    return folder


def _absent(folder: Path) -> list[str]:
    """Folders without weights: a snapshot may hold the configs alone, which were read before."""
    return [name for name in FOLDERS if not any((folder / name).glob("*.safetensors"))]
