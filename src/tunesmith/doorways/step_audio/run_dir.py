"""What the guide's paths mean: base model, lists, device and the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunesmith.doorways.step_audio.config import FLOW_FOLDER, Given
from tunesmith.doorways.step_audio.model_loader import (
    how_to_get,
    is_repository,
    locate_model,
    refuse_incomplete,
    tokenizer_folder,
)
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import REPOSITORY
from tunesmith.families.step_audio.source import POCKET, locate
from tunesmith.recipe.names import valid_name
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg

_EXAMPLE = '{"prompt_audio_path": "a.wav", "target_audio_path": "b.wav", "prompt_text": "…", "target_text": "…"}'


@dataclass(frozen=True)
class Places:
    """Where everything lies, as a recipe takes it.

    Attributes:
        model: The LLM's folder, a repository, or ``pocket/step_audio``.
        flow: The flow's folder where it is not inside the model's, else empty.
        tokenizer: Of the audio tokenisers, where one was named.
        train: The list to train on.
        held_out: The list to hold out; empty where a share of ``train`` is.
        device: As a recipe has it.
        folder: The run's.
        name: The run's.
    """

    model: str
    flow: str
    tokenizer: str
    train: str
    held_out: str
    device: str
    folder: RunFolder
    name: str


def places(given: Given) -> Places:
    """Look at every path of the file.

    Raises:
        TunesmithError: at the line of one that is not there, with what belongs there.
    """
    config = given.config
    folder = Path(config.save.ckpt_dir).expanduser()
    name = folder.resolve().name
    model = _model(given)
    return Places(
        model=model,
        flow=_flow(given, model),
        tokenizer=_tokenizer(given),
        train=_list(given, "train_path" if given.has("data", "train_path") else "train_data", config.data.train),
        held_out=_list(given, "val_path" if given.has("data", "val_path") else "cv_data", config.data.held_out),
        device=device(config.basic.device),
        folder=RunFolder(folder),
        name=name if valid_name(name) else "finetune",
    )


def device(wanted: str) -> str:
    """The device, or the best there is where there is no such GPU."""
    import torch

    return "auto" if wanted.startswith("cuda") and not torch.cuda.is_available() else wanted


def _model(given: Given) -> str:
    name, where = given.config.model.llm.model_path, given.where("model", "llm", "model_path")
    if name in ("pocket", POCKET):
        return POCKET
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder.absolute())  # a link keeps its name
    if is_repository(name):
        return locate_model(name)
    raise TunesmithError(
        msg("there is no model folder {folder}", folder=name), where=where, remedy=how_to_get(REPOSITORY, name)
    )


def _flow(given: Given, model: str) -> str:
    """The flow's folder where it is another one than the model's own; both are held against what they must have."""
    named = given.config.model.flow.model_path
    folder = Path(model) if Path(model).is_dir() else locate(model)
    inside = folder / FLOW_FOLDER
    flow = Path(named).expanduser() if named else inside
    if named and not flow.is_dir():
        raise TunesmithError(
            msg("there is no flow folder {folder}", folder=named),
            where=given.where("model", "flow", "model_path"),
            remedy=msg(
                "It is the {folder} of {repository}; leave this key out if it lies inside the model's folder.",
                folder=FLOW_FOLDER,
                repository=REPOSITORY,
            ),
        )
    refuse_incomplete(folder, flow)
    return "" if flow.resolve() == inside.resolve() else str(flow.absolute())


def _tokenizer(given: Given) -> str:
    try:
        return tokenizer_folder(given.config.model.tokenizer.model_path)
    except TunesmithError as error:
        where = given.where("model", "tokenizer", "model_path")
        raise TunesmithError(error.what, where=where, remedy=error.remedy) from error


def _list(given: Given, key: str, path: str) -> str:
    if not path:
        return ""
    file, where = Path(path).expanduser(), given.where("data", key)
    if not file.is_file():
        raise TunesmithError(
            msg("there is no list {path}", path=path), where=where, remedy=_how_to_write(key.startswith("train"))
        )
    if file.suffix.lower() not in (".jsonl", ".json"):
        raise TunesmithError(
            msg("{path} is no JSONL; lists of parquet files are not read", path=path),
            where=where,
            remedy=msg("Give the JSONL that they were made from; audio is encoded once and kept anyway."),
        )
    return str(file.resolve())


def _how_to_write(training: bool) -> Message:
    """What a list looks like; without one to hold out, a share of the training list is held out."""
    if training:
        return msg("Write one line per sample: {example}.", example=_EXAMPLE)
    return msg(
        "Write one line per sample: {example}. Without this key {share} of the training list are held out.",
        example=_EXAMPLE,
        share="10 %",
    )
