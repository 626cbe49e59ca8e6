"""A whole model with what was trained inside, in the layout of the released one: LLM in safetensors, ``flow.pt``.

The merged LLM is what vLLM serves: its Step1 takes no LoRA.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.families.config_file import read_config_file
from tunesmith.families.quantise import PACKED, Packed
from tunesmith.families.step_audio.config import FLOW_FOLDER

_WEIGHTS = (".safetensors", ".index.json", ".pt")


def merged_state(
    network: nn.Module, original: Callable[[str], torch.Tensor] | None = None
) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor by its published name, on the CPU, adapters merged layer by layer in fp32.

    ``original`` reads a tensor of the base by its name: layers whose weight is packed have the full one here.
    """
    from peft.tuners.lora import LoraLayer

    read = original or network.get_parameter
    adapted = {name: module for name, module in network.named_modules() if isinstance(module, LoraLayer)}
    inside = tuple(f"{name}." for name in adapted)
    for name, tensor in network.state_dict().items():
        if not name.startswith(inside) and not name.endswith(PACKED):
            yield name, tensor.detach().cpu()
    for name, module in network.named_modules():
        if isinstance(module, Packed) and not name.startswith(inside):
            yield f"{name}.weight", read(f"{name}.weight")
    for name, module in adapted.items():
        layer: Any = copy.deepcopy(module)
        if isinstance(layer.base_layer, Packed):
            layer.base_layer = layer.base_layer.full(read(f"{name}.weight"))
        layer.to("cpu", torch.float32)
        layer.merge()
        for leaf, tensor in layer.get_base_layer().state_dict().items():
            yield f"{name}.{leaf}", tensor


def export_merged(llm: nn.Module, flow: nn.Module, folder: Path, flow_folder: Path, target: Path) -> None:
    """Write LLM and flow with adapters merged, and everything else of the checkpoint as it is.

    Every tensor keeps the precision that it has in the checkpoint.

    Args:
        llm: Without PEFT's wrapper, adapters inside; where its weights are packed, the adapters are merged into the
            checkpoint's full ones.
        flow: Without PEFT's wrapper, with adapters inside or trained in full.
        folder: The base checkpoint.
        flow_folder: Its flow's folder.
        target: A folder that is new.
    """
    from tunesmith.families.step_audio.parts.step1_config import CONFIG, read_config
    from tunesmith.families.step_audio.parts.step1_weights import (
        INDEX,
        WEIGHTS,
        save_step1,
        weight_dtypes,
        weight_reader,
    )
    from tunesmith.files import read_json, write_json

    target.mkdir(parents=True, exist_ok=True)
    _copy_rest(folder, target)
    released = read_config_file(folder / CONFIG)
    kinds = weight_dtypes(folder)
    state = {name: tensor.to(kinds[name]) for name, tensor in merged_state(llm, weight_reader(folder))}
    save_step1(state, read_config(folder), target, dtype=None)
    if not (target / INDEX).exists():  # named outright, since the folder may hold other tensors too
        size = sum(tensor.nbytes for tensor in state.values())
        write_json(target / INDEX, {"metadata": {"total_size": size}, "weight_map": dict.fromkeys(state, WEIGHTS)})
    written = read_json(target / CONFIG)  # keeps its explicit values, and every other key of the released config
    write_json(target / CONFIG, {**written, **released, "torch_dtype": written["torch_dtype"]})
    export_flow(flow, flow_folder, target / FLOW_FOLDER)


def export_flow(flow: nn.Module, flow_folder: Path, target: Path) -> None:
    """Write a full ``flow.pt`` with what was trained inside, and beside it what the base's folder holds besides.

    Every tensor keeps the precision that it has in the base's file.

    Args:
        flow: Without PEFT's wrapper, with adapters inside or trained in full.
        flow_folder: The base's.
        target: The folder to write.
    """
    from tunesmith.families.component import stored_dtypes
    from tunesmith.files import atomic_path

    _copy_rest(flow_folder, target)
    kinds = stored_dtypes(flow_folder / "flow.pt")
    with atomic_path(target / "flow.pt") as temporary:
        torch.save({name: tensor.to(kinds[name]) for name, tensor in merged_state(flow)}, temporary)


def _copy_rest(source: Path, target: Path) -> None:
    """What is not the weights themselves: configs, tokenisers, vocoder, speaker encoder."""
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        trained = file.name == "flow.pt" or (file.name.startswith("model") and file.name.endswith(_WEIGHTS))
        if file.is_file() and not trained and not file.name.startswith("."):
            shutil.copyfile(file, target / file.name)
