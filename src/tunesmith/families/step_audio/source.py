"""Where the files of Step-Audio-EditX lie: the pocket model, local folders, or the Hub."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW_FOLDER, LICENCE, REPOSITORY, TOKENIZER_REPOSITORY
from tunesmith.files import read_json

POCKET = "pocket/step_audio"
"""What to write as model path for the pocket model of this family."""
GIGABYTES = {REPOSITORY: 7.8, TOKENIZER_REPOSITORY: 1.5}
CENTROIDS = "linguistic_tokenizer.npy"
TOKENIZER_NAME = TOKENIZER_REPOSITORY.split("/")[1]
NEEDED = ("config.json", f"{FLOW_FOLDER}/cosyvoice.yaml", f"{FLOW_FOLDER}/flow.pt")
_WHAT = {
    "config.json": "the LLM's config",
    f"{FLOW_FOLDER}/cosyvoice.yaml": "the flow's config",
    f"{FLOW_FOLDER}/flow.pt": "the flow's weights, 0.6 GB",
}


def is_step_audio(path: str) -> bool:
    """Whether ``path`` names a checkpoint of this family; reads a config at most, never the network."""
    if path == POCKET:
        return True
    config = Path(path).expanduser() / "config.json"
    if config.is_file():
        try:
            return str(read_json(config).get("model_type")) == "step1"
        except (TunesmithError, AttributeError):
            return False
    return path.count("/") == 1 and "step-audio-editx" in path.lower()


@lru_cache(maxsize=16)
def locate(path: str, revision: str | None = None) -> Path:
    """The local folder of a checkpoint, downloading it from the Hub (or ``HF_ENDPOINT``'s mirror) if need be.

    Raises:
        TunesmithError: when it can be neither found nor downloaded, naming what is missing.
    """
    if path == POCKET:
        from tunesmith.pocket.examples import pocket_path

        return pocket_path("step_audio")
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if path.count("/") != 1 or path.startswith((".", "/", "~")):
        raise TunesmithError(
            "there is no such model folder", where=path, remedy=f"Check the path, or give the hub id {REPOSITORY}."
        )
    return download(path, revision)


def flow_folder(folder: Path, flow_path: str = "") -> Path:
    """The flow's folder of a checkpoint, or the one that the user named.

    Raises:
        TunesmithError: naming the file that is missing, its repository, size and licence.
    """
    flow = Path(flow_path).expanduser() if flow_path else folder / FLOW_FOLDER
    for name in NEEDED[1:]:
        if not (flow / Path(name).name).is_file():
            raise missing(name, flow)
    return flow


def missing(name: str, folder: Path) -> TunesmithError:
    """The error for a file of the checkpoint that is not there."""
    return TunesmithError(
        f"{Path(name).name} is missing ({_WHAT.get(name, 'a part of the checkpoint')})",
        where=str(folder),
        remedy=f"It is {name} of {REPOSITORY} ({LICENCE}, {GIGABYTES[REPOSITORY]} GB in all): "
        f"`hf download {REPOSITORY} --local-dir FOLDER`.",
    )


@lru_cache(maxsize=16)
def locate_tokenizer(folder: Path, tokenizer_path: str = "") -> Path:
    """The folder of Step-Audio-Tokenizer: the one named, one beside or inside the model's, or the Hub's.

    Raises:
        TunesmithError: when it can be neither found nor downloaded.
    """
    if tokenizer_path and Path(tokenizer_path).expanduser().is_dir():
        named = Path(tokenizer_path).expanduser()
        found = [one for one in (named, named / TOKENIZER_NAME) if (one / CENTROIDS).is_file()]
        if not found:
            raise TunesmithError(
                f"{CENTROIDS} is missing",
                where=str(named),
                remedy=f"This must be a folder of {TOKENIZER_REPOSITORY} ({LICENCE}, "
                f"{GIGABYTES[TOKENIZER_REPOSITORY]} GB).",
            )
        return found[0]
    if not tokenizer_path:
        near = (folder, folder / TOKENIZER_NAME, folder.parent / TOKENIZER_NAME)
        for one in near:
            if (one / CENTROIDS).is_file():
                return one
    elif tokenizer_path.count("/") != 1 or tokenizer_path.startswith((".", "/", "~")):
        raise TunesmithError("there is no such tokenizer folder", where=tokenizer_path, remedy="Check the path.")
    return download(tokenizer_path or TOKENIZER_REPOSITORY)


def download(path: str, revision: str | None = None) -> Path:
    """A repository's local copy, from the cache or the Hub.

    Raises:
        TunesmithError: when it is in neither.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    ignored = ["*.py", "*.md", "assets/*"]
    try:
        folder = Path(snapshot_download(path, revision=revision, ignore_patterns=ignored, local_files_only=True))
        if any(folder.glob("*.safetensors")) or (folder / CENTROIDS).is_file():
            return folder  # a snapshot may also hold configs alone, from an earlier look at it
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(path, revision=revision, ignore_patterns=ignored))
    except Exception as error:  # whatever its HTTP client raises: no network, no such repository, no permission
        size = GIGABYTES.get(path)
        raise TunesmithError(
            f"the files of {path} are not on this machine and could not be downloaded ({type(error).__name__})",
            remedy=f"They are in the Hub repository {path} ({LICENCE}{f', about {size} GB' if size else ''}). Set "
            "HF_ENDPOINT to use a mirror, or copy the folder here and give its path.",
        ) from error
