"""A checkpoint in the published layout with an adapter inside its transformer."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.adapters.attach import unwrap_peft
from tunesmith.families.ace_step.config import FOLDERS
from tunesmith.families.ace_step.parts.weights import transformer_file
from tunesmith.families.quantise import PACKED, Packed
from tunesmith.files import atomic_folder


def export_merged(folder: Path, network: nn.Module, target: Path) -> None:
    """Write a checkpoint whose transformer holds the network's weights, adapters merged.

    The other three parts are copied. So is the transformer's file, and then the tensors that differ are written over
    in the file's own precision, one at a time: tensors that no network loads (upstream's dead layers, the heads of the
    self-supervised losses) stay as they were, and no second model is in memory.

    Args:
        folder: The base checkpoint.
        network: Its transformer with adapters attached or already merged; it is left as it is. Where its weights are
            packed, the adapter is merged into the checkpoint's full ones.
        target: Where to write; replaced as a whole once complete.

    Raises:
        TunesmithError: when the target cannot be written or the disk is full.
    """
    with atomic_folder(target) as temporary:
        _copy_checkpoint(folder, temporary)
        _write_over(transformer_file(folder), transformer_file(temporary), unwrap_peft(network))


def _copy_checkpoint(folder: Path, target: Path) -> None:
    """The four parts, and the files beside them (lyric vocabulary, prompts); not the base model's own card."""
    for part in FOLDERS:
        # Contents alone: a checkpoint's files may be read-only, as in a shared cache.
        shutil.copytree(folder / part, target / part, copy_function=shutil.copyfile)
    for file in folder.iterdir():
        if file.is_file() and file.suffix != ".md" and not file.name.startswith("."):
            shutil.copyfile(file, target / file.name)


def _write_over(source: Path, target: Path, network: nn.Module) -> None:
    from safetensors import safe_open

    places = _data_offsets(source)
    with safe_open(source, framework="pt") as base, target.open("r+b") as file:
        for name, merged in merged_tensors(network, base.get_tensor):
            if name not in places:
                continue  # the heads are optional in a file, as they are in a network
            before = base.get_tensor(name)
            after = merged.to(before.dtype).contiguous()
            if not torch.equal(before, after):
                file.seek(places[name])
                file.write(after.view(-1).view(torch.uint8).numpy().tobytes())


def merged_tensors(network: nn.Module, original: Callable[[str], torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor of a network by its published name, fp32 on the CPU, adapters merged layer by layer.

    ``original`` reads a tensor of the base by its name: a layer whose weight is packed is merged into the full one, and
    has no tensor here where it has no adapter.
    """
    from peft.tuners.lora import LoraLayer

    adapted = {name: module for name, module in network.named_modules() if isinstance(module, LoraLayer)}
    inside = tuple(f"{name}." for name in adapted)
    for name, tensor in network.state_dict().items():
        if not name.startswith(inside) and not name.endswith(PACKED):
            yield name, tensor.detach().to("cpu", torch.float32)
    for name, module in adapted.items():
        layer: Any = copy.deepcopy(module)
        if isinstance(layer.base_layer, Packed):
            layer.base_layer = layer.base_layer.full(original(f"{name}.weight"))
        layer.to("cpu", torch.float32)
        layer.merge()
        for leaf, tensor in layer.get_base_layer().state_dict().items():
            yield f"{name}.{leaf}", tensor


def _data_offsets(file: Path) -> dict[str, int]:
    """Where the bytes of each tensor begin in a safetensors file (its header: a 64-bit length, then JSON)."""
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        header: dict[str, Any] = json.loads(opened.read(size))
    return {name: 8 + size + entry["data_offsets"][0] for name, entry in header.items() if name != "__metadata__"}
