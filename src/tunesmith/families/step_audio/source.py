"""Where the files of Step-Audio-EditX lie: the pocket model, local folders, or the Hub."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.hub import download, is_downloaded, is_hub_id, local_folder
from tunesmith.families.step_audio.config import (
    FLOW_FOLDER,
    LICENCE,
    PARAFORMER_FOLDER,
    REPOSITORY,
    TOKENIZER_REPOSITORY,
)
from tunesmith.families.step_audio.small import SETTINGS
from tunesmith.files import read_json
from tunesmith.texts import NOTHING, msg

POCKET = "pocket/step_audio"
"""What to write as model path for the pocket model of this family."""
GIGABYTES = {REPOSITORY: 7.8, TOKENIZER_REPOSITORY: 1.5}
CENTROIDS = "linguistic_tokenizer.npy"
TOKENIZER_NAME = TOKENIZER_REPOSITORY.split("/")[1]
TOKENIZER_FILES = (
    *(CENTROIDS, "speech_tokenizer_v1.onnx"),
    *(f"{PARAFORMER_FOLDER}/{name}" for name in ("config.yaml", "model.pt", "am.mvn")),
)
NEEDED = ("config.json", f"{FLOW_FOLDER}/cosyvoice.yaml", f"{FLOW_FOLDER}/flow.pt")
TEXT, WEIGHTS, INDEX = "tokenizer.model", "model.safetensors", "model.safetensors.index.json"
FRONT_END_FILES = (f"{FLOW_FOLDER}/hift.pt", f"{FLOW_FOLDER}/campplus.onnx")
"""What the released front end needs of the model's own folder; checked before hours of encoding and training."""
_DESCRIPTIONS = {
    "config.json": msg("the LLM's config"),
    TEXT: msg("the text tokeniser"),
    f"{FLOW_FOLDER}/cosyvoice.yaml": msg("the flow's config"),
    f"{FLOW_FOLDER}/flow.pt": msg("the flow's weights, 0.6 GB"),
    f"{FLOW_FOLDER}/hift.pt": msg("the vocoder"),
    f"{FLOW_FOLDER}/campplus.onnx": msg("the speaker encoder CAM++"),
    **dict.fromkeys(TOKENIZER_FILES, msg("a part of the speech tokenisers")),
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
    return is_hub_id(path) and "step-audio-editx" in path.lower()


def is_here(path: str, revision: str | None, file: str) -> bool:
    """Whether a checkpoint is on this machine: a folder, or a hub id whose ``file`` was downloaded."""
    return path == POCKET or Path(path).expanduser().is_dir() or is_downloaded(path, revision, file)


@lru_cache(maxsize=16)
def locate(path: str, revision: str | None = None) -> Path:
    """The local folder of a checkpoint, downloading it from the Hub (or ``HF_ENDPOINT``'s mirror) if need be.

    Raises:
        TunesmithError: when it can be neither found nor downloaded, naming what is missing.
    """
    if path == POCKET:
        from tunesmith.pocket.shipped import pocket_path

        return pocket_path("step_audio")
    folder = local_folder(path, REPOSITORY)
    if folder is None:
        return fetch(path, revision, key="model.path")
    need(NEEDED[:1], folder)
    return folder


def flow_folder(folder: Path, flow_path: str = "") -> Path:
    """The flow's folder of a checkpoint, or the one that the user named.

    Raises:
        TunesmithError: naming the file that is missing, its repository, size and licence.
    """
    flow = Path(flow_path).expanduser() if flow_path else folder / FLOW_FOLDER
    need(NEEDED[1:], flow)
    return flow


def missing(name: str, folder: Path) -> TunesmithError:
    """The error for a file of the checkpoint, or of its tokenisers, that is not there."""
    repository = TOKENIZER_REPOSITORY if name in TOKENIZER_FILES else REPOSITORY
    return TunesmithError(
        msg("{file} is missing ({description})", file=Path(name).name, description=_DESCRIPTIONS[name]),
        where=str(folder),
        remedy=msg(
            "It is {file} of {repository} ({licence}, {gigabytes} GB in all): `hf download {repository} "
            "--local-dir FOLDER`.",
            file=name,
            repository=repository,
            licence=LICENCE,
            gigabytes=GIGABYTES[repository],
        ),
    )


def need(names: Iterable[str], folder: Path) -> None:
    """Raise for the first of some files that is not in a folder; of each, only its own name counts there.

    Raises:
        TunesmithError: naming the file, its repository, size and licence.
    """
    for name in names:
        if not (folder / Path(name).name).is_file():
            raise missing(name, folder)


@lru_cache(maxsize=16)
def locate_tokenizer(folder: Path, tokenizer_path: str = "") -> Path:
    """The folder of Step-Audio-Tokenizer: the one named, one beside or inside the model's, or the Hub's.

    Raises:
        TunesmithError: when it can be neither found nor downloaded, or naming the file of it that is missing.
    """
    named = Path(tokenizer_path).expanduser() if tokenizer_path else None
    near: tuple[Path, ...] = ()
    if named is None:
        near = (folder, folder / TOKENIZER_NAME, folder.parent / TOKENIZER_NAME)
    elif named.is_dir():
        near = (named / TOKENIZER_NAME, named)
    elif not is_hub_id(tokenizer_path):
        raise TunesmithError(
            msg("there is no such tokenizer folder"), where=tokenizer_path, remedy=msg("Check the path.")
        )
    found = (
        place for place in near if (place / CENTROIDS).is_file() or (place.name == TOKENIZER_NAME and place.is_dir())
    )
    tokenizer = next(found, named if near else None) or fetch(
        tokenizer_path or TOKENIZER_REPOSITORY, key="options.tokenizer_path"
    )
    for name in TOKENIZER_FILES:
        if not (tokenizer / name).is_file():
            raise missing(name, tokenizer)
    return tokenizer


def tokenizer_files(folder: Path, tokenizer_path: str = "") -> list[Path]:
    """The files of the tokenisers that decide its codes.

    Raises:
        TunesmithError: as :func:`locate_tokenizer`.
    """
    tokenizer = locate_tokenizer(folder, tokenizer_path)
    return [tokenizer / name for name in TOKENIZER_FILES]


def absent_files(folder: Path) -> list[str]:
    """What a copy of the model's repository, or of the tokenisers', lacks: all of either makes it whole.

    An index names the weights' shards; a model with small front ends of its own brings nothing for the released ones.
    """
    tokenizer = [name for name in TOKENIZER_FILES if not (folder / name).is_file()]
    names = [*NEEDED] if (folder / SETTINGS).is_file() else [*NEEDED, *FRONT_END_FILES]
    names += [] if (folder / "tokenizer.json").is_file() else [TEXT]
    if (folder / INDEX).is_file():
        raw = read_json(folder / INDEX)
        shards = raw.get("weight_map") if isinstance(raw, dict) else None
        names += (
            sorted(set(shards.values())) if isinstance(shards, dict) else []
        )  # the loader says what is wrong with it
    elif not (folder / WEIGHTS).is_file():  # one file needs no index
        names.append(INDEX)
    model = [name for name in names if not (folder / name).is_file()]
    return [] if not tokenizer or not model else tokenizer if len(tokenizer) < len(TOKENIZER_FILES) else model


def fetch(path: str, revision: str | None = None, *, key: str = "") -> Path:
    """A repository's local copy, from the cache where it is whole there, else from the Hub.

    Args:
        path: Hub id.
        revision: Of the repository.
        key: Of the recipe, where a local folder can be named instead.

    Raises:
        TunesmithError: when it is in neither, naming what is absent of a copy that an interrupted download left.
    """
    known = path in GIGABYTES
    about = msg("{licence}, about {gigabytes} GB", licence=LICENCE, gigabytes=GIGABYTES[path]) if known else NOTHING
    return download(path, revision, absent=absent_files, ignore=["*.py", "*.md", "assets/*"], about=about, key=key)
