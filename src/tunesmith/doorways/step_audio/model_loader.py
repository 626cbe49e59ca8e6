"""``model_loader.py``: where a checkpoint comes from, by the names that Step-Audio-EditX gives the places."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW_FOLDER, LICENCE, REPOSITORY, TOKENIZER_REPOSITORY
from tunesmith.families.step_audio.source import GIGABYTES, POCKET, fetch
from tunesmith.pocket.shipped import is_pocket
from tunesmith.texts import Message, msg

_PARTS = (
    ("config.json", msg("the LLM's config")),
    ("tokenizer.model", msg("the text tokeniser")),
    (f"{FLOW_FOLDER}/cosyvoice.yaml", msg("the flow's config")),
    (f"{FLOW_FOLDER}/flow.pt", msg("the flow, 0.6 GB")),
    (f"{FLOW_FOLDER}/hift.pt", msg("the vocoder, 0.1 GB")),
    (f"{FLOW_FOLDER}/campplus.onnx", msg("the speaker encoder, 28 MB")),
)
_SMALL_FRONT_END = "small_frontend.json"
"""A checkpoint that has this file has small parts in place of the released ones."""
_SMALL_CHECKPOINT_PARTS = ("config.json", f"{FLOW_FOLDER}/cosyvoice.yaml", f"{FLOW_FOLDER}/flow.pt")


class ModelSource(StrEnum):
    """Where to take a model from; ``AUTO`` is a folder where there is one, else the Hugging Face Hub.

    A member is the word itself, as in Step-Audio-EditX.
    """

    AUTO = "auto"
    LOCAL = "local"
    HUGGINGFACE = "huggingface"
    MODELSCOPE = "modelscope"


def source_of(value: str) -> ModelSource:
    """The place that a word names.

    Raises:
        TunesmithError: for another word.
    """
    try:
        return ModelSource(str(value).lower())
    except ValueError as error:
        raise TunesmithError(
            msg("there is no model_source {value!r}", value=str(value)),
            remedy=msg("Choose one of {sources}.", sources=tuple(source.value for source in ModelSource)),
        ) from error


def locate_model(path: str | Path, source: ModelSource = ModelSource.AUTO) -> str:
    """A local folder, the name of a repository that is on this machine by now, or ``pocket/step_audio``.

    Args:
        path: A folder, a repository's name, or ``pocket``.
        source: Where to look.

    Raises:
        TunesmithError: when it is not there, and how to get it.
    """
    name = str(path)
    if is_pocket(name) or name == "pocket":
        return POCKET
    folder = Path(name).expanduser()
    if source is ModelSource.MODELSCOPE:
        return from_modelscope(name)
    if source is ModelSource.LOCAL or (source is ModelSource.AUTO and (folder.is_dir() or not is_repository(name))):
        if not folder.is_dir():
            raise TunesmithError(msg("there is no such model folder"), where=name, remedy=how_to_get(REPOSITORY, name))
        return str(folder)
    fetch(name)
    return name


def is_repository(name: str) -> bool:
    """Whether this may be the name of a repository (``owner/name``)."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def how_to_get(repository: str, folder: str = "FOLDER") -> Message:
    """The command that fetches a repository, with its size and licence."""
    return msg(
        "Fetch it ({gigabytes} GB, {licence}): `hf download {repository} --local-dir {folder}`; HF_ENDPOINT names a "
        "mirror. To try everything without it, give `pocket`.",
        gigabytes=GIGABYTES[repository],
        licence=LICENCE,
        repository=repository,
        folder=folder,
    )


def from_modelscope(name: str) -> str:
    """A repository's copy from ModelScope, by ModelScope's library.

    Raises:
        TunesmithError: when the library is not installed, or the files cannot be had.
    """
    try:
        from modelscope import snapshot_download
    except ImportError as error:
        raise TunesmithError(
            msg("ModelScope's library is not installed"),
            where="ModelSource.MODELSCOPE",
            remedy=msg("Run `pip install modelscope`, or take ModelSource.HUGGINGFACE or a local folder."),
        ) from error
    try:
        return str(snapshot_download(name))
    except Exception as error:  # whatever its client raises
        raise TunesmithError(
            msg(
                "{repository} could not be had from ModelScope ({error_class})",
                repository=name,
                error_class=type(error).__name__,
            ),
            remedy=msg("Check the name and the network, or give a local folder."),
        ) from error


def refuse_incomplete(folder: Path, flow: Path) -> None:
    """Refuse a checkpoint that lacks files, before anything is loaded.

    Args:
        folder: The LLM's.
        flow: The flow's.

    Raises:
        TunesmithError: naming every file that is missing, its repository, size and licence.
    """
    small = (folder / _SMALL_FRONT_END).is_file()
    absent = [
        _described(name, description)
        for name, description in _PARTS
        if (not small or name in _SMALL_CHECKPOINT_PARTS)
        and not (flow / Path(name).name if name.startswith(FLOW_FOLDER) else folder / name).is_file()
    ]
    if not any(folder.glob("*.safetensors")):
        absent.insert(0, _described("model-00001.safetensors", msg("the LLM, 7.1 GB")))
    if absent:
        raise TunesmithError(
            msg("of {repository} these files are missing: {absent}", repository=REPOSITORY, absent=tuple(absent)),
            where=str(folder),
            remedy=how_to_get(REPOSITORY, str(folder)),
        )


def _described(file: str, description: Message) -> Message:
    return msg("{file} ({description})", file=file, description=description)


def tokenizer_folder(named: str) -> str:
    """What the family looks for its tokenisers in: the folder named where it holds them, else nothing (it searches).

    Raises:
        TunesmithError: when a folder was named that is not there.
    """
    from tunesmith.families.step_audio.source import CENTROIDS, TOKENIZER_NAME

    if not named or is_pocket(named) or named == "pocket":
        return ""
    folder = Path(named).expanduser()
    if folder.is_dir():
        holds = any((place / CENTROIDS).is_file() for place in (folder, folder / TOKENIZER_NAME))
        return str(folder) if holds else ""
    if is_repository(named):
        return named
    raise TunesmithError(
        msg("there is no such tokenizer folder"), where=named, remedy=how_to_get(TOKENIZER_REPOSITORY, named)
    )
