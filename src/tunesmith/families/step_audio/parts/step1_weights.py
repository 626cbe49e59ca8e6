"""Reads and writes the Step1 LLM as a Hugging Face folder: ``config.json`` and safetensors, in one file or several.

Nothing of the folder is executed; its remote modules (``modeling_step1.py``) are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.adapters.tensors import opened_tensors, write_tensors
from tunesmith.errors import TunesmithError
from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.component import check_names
from tunesmith.families.indexed import indexed_files
from tunesmith.families.quantise import Packed, make_packable
from tunesmith.families.step_audio.config import REPOSITORY, Step1Config
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.families.step_audio.parts.step1_config import CONFIG, MODEL_TYPE, read_config
from tunesmith.files import write_json
from tunesmith.texts import msg

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
_AGAIN = msg("Download {repository} again.", repository=REPOSITORY)


def load_step1(
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    base_weights: BaseWeights = "full",
) -> Step1ForCausalLM:
    """The LLM with its weights: frozen, in eval mode.

    Args:
        folder: With ``config.json`` and ``*.safetensors``, with or without their index.
        dtype: Of the weights in memory; that of the files (bf16) unless given.
        device: Where they go, one tensor at a time.
        base_weights: How to keep the matrices of the layers; packed ones have no ``dtype``.

    Raises:
        TunesmithError: as :func:`read_config`; when a file is absent or unreadable; naming tensors that are missing,
            unknown or of another shape. The output layer is missing like any other: it is never tied. When the library
            that packs the weights is not installed.
    """
    with torch.device("meta"):
        model = Step1ForCausalLM(read_config(folder))
    wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
    files = _files(folder)
    found: dict[str, torch.Tensor] = {}
    for file in files:
        with opened_tensors(file, remedy=_AGAIN) as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                found[name] = torch.empty(tensors.get_slice(name).get_shape(), device="meta")
    check_names(wanted, found, folder)
    if base_weights != "full":
        make_packable(model.model.layers, base_weights)
    for file in files:
        with opened_tensors(file, remedy=_AGAIN) as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                _assign(model, name, tensors.get_tensor(name), device, dtype)
    model.requires_grad_(False)
    return model.eval()


def weight_reader(folder: Path) -> Callable[[str], torch.Tensor]:
    """A function that reads one tensor of the LLM by its name, as its file has it.

    Raises:
        TunesmithError: when a file is absent or unreadable.
    """
    places: dict[str, Path] = {}
    for file in _files(folder):
        with opened_tensors(file, remedy=_AGAIN) as tensors:
            places |= dict.fromkeys(tensors.keys(), file)

    def read(name: str) -> torch.Tensor:
        with opened_tensors(places[name], remedy=_AGAIN) as tensors:
            found: torch.Tensor = tensors.get_tensor(name)
            return found

    return read


def weight_dtypes(folder: Path) -> dict[str, torch.dtype]:
    """The precision of every tensor of the LLM by its name; no tensor is read.

    Raises:
        TunesmithError: when a file is absent or unreadable.
    """
    found: dict[str, torch.dtype] = {}
    for file in _files(folder):
        with opened_tensors(file, remedy=_AGAIN) as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                found[name] = _DTYPES.get(tensors.get_slice(name).get_dtype(), torch.float32)
    return found


def save_step1(
    state: Mapping[str, torch.Tensor],
    config: Step1Config,
    folder: Path,
    *,
    dtype: torch.dtype | None = torch.bfloat16,
    shard_bytes: int = 5 * 10**9,
) -> None:
    """Write a whole LLM as others read it: config, shards, and their index where there is more than one.

    Args:
        state: Every tensor by name, adapters merged.
        config: Sizes.
        folder: Made if need be; other files in it stay.
        dtype: Of the weights on disk; ``None`` leaves each tensor as it is.
        shard_bytes: Most bytes of one file.

    Raises:
        TunesmithError: naming tensors that are missing, unknown or of another shape; when the folder cannot be
            written.
    """
    from huggingface_hub import split_torch_state_dict_into_shards

    with torch.device("meta"):
        wanted = Step1ForCausalLM(config).state_dict()
    check_names({name: tensor.shape for name, tensor in wanted.items()}, state, folder)
    kinds = {name: dtype or state[name].dtype for name in wanted}
    sizes = {name: torch.empty(tensor.shape, dtype=kinds[name], device="meta") for name, tensor in wanted.items()}
    split = split_torch_state_dict_into_shards(sizes, max_shard_size=shard_bytes)
    for file, names in split.filename_to_tensors.items():
        write_tensors(folder / file, {name: state[name].detach().to("cpu", kinds[name]) for name in names})
    if split.is_sharded:
        write_json(folder / INDEX, {"metadata": split.metadata, "weight_map": split.tensor_to_filename})
    usual, _ = Counter(kinds.values()).most_common(1)[0]
    write_json(folder / CONFIG, _published_config(config, usual))


def _published_config(config: Step1Config, dtype: torch.dtype) -> dict[str, Any]:
    return {
        "architectures": [Step1ForCausalLM.__name__],
        "model_type": MODEL_TYPE,
        **asdict(config),
        # Said outright: releases of transformers that took a missing key for true made noise of the published file.
        "tie_word_embeddings": False,
        "torch_dtype": str(dtype).removeprefix("torch."),
    }


def _files(folder: Path) -> list[Path]:
    """The weight files of a folder: those of its index, or all there are."""
    index = folder / INDEX
    if not index.is_file():
        if (folder / WEIGHTS).is_file():  # other parts may lie beside it
            return [folder / WEIGHTS]
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise TunesmithError(msg("the weights of the LLM are missing"), where=str(folder / WEIGHTS), remedy=_AGAIN)
        return files
    return indexed_files(index, _AGAIN)


def _assign(
    module: nn.Module, name: str, tensor: torch.Tensor, device: torch.device | str, dtype: torch.dtype | None
) -> None:
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if isinstance(owner, Packed):
        owner.pack(tensor.float())
        owner.to(device)
    else:
        owner.register_parameter(leaf, nn.Parameter(tensor.to(device=device, dtype=dtype), requires_grad=False))
