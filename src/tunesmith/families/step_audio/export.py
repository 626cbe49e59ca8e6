"""A whole model with what was trained inside, in the layout of the released one: LLM in safetensors, ``flow.pt``.

The merged LLM is what vLLM serves: its Step1 takes no LoRA.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.families.step_audio.config import FLOW_FOLDER

_WEIGHTS = (".safetensors", ".index.json", ".pt")


def merged_state(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor by its published name, on the CPU, adapters merged layer by layer in fp32."""
    from peft.tuners.lora import LoraLayer

    adapted = {name: module for name, module in network.named_modules() if isinstance(module, LoraLayer)}
    inside = tuple(f"{name}." for name in adapted)
    for name, tensor in network.state_dict().items():
        if not name.startswith(inside):
            yield name, tensor.detach().cpu()
    for name, module in adapted.items():
        layer: Any = copy.deepcopy(module)
        layer.to("cpu", torch.float32)
        layer.merge()
        for leaf, tensor in layer.get_base_layer().state_dict().items():
            yield f"{name}.{leaf}", tensor


def export_merged(llm: nn.Module, flow: nn.Module, folder: Path, flow_folder: Path, target: Path) -> None:
    """Write LLM and flow with adapters merged, and everything else of the checkpoint as it is.

    Args:
        llm: Bare LLM, adapters inside.
        flow: Bare flow, adapters inside or trained itself.
        folder: The base checkpoint.
        flow_folder: Its flow's folder.
        target: A folder that is new.
    """
    from tunesmith.families.step_audio.parts.step1_weights import read_config, save_step1
    from tunesmith.files import atomic_path

    target.mkdir(parents=True, exist_ok=True)
    _copy_rest(folder, target)
    _copy_rest(flow_folder, target / FLOW_FOLDER)
    config = (target / "config.json").read_text("utf-8")
    half = torch.bfloat16
    save_step1(dict(merged_state(llm)), read_config(folder), target, dtype=half)
    (target / "config.json").write_text(config, "utf-8")  # as released, whatever else it holds
    with atomic_path(target / FLOW_FOLDER / "flow.pt") as temporary:
        torch.save({name: tensor.float() for name, tensor in merged_state(flow)}, temporary)


def _copy_rest(source: Path, target: Path) -> None:
    """What is not the weights themselves: configs, tokenisers, vocoder, speaker encoder."""
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        trained = file.name == "flow.pt" or (file.name.startswith("model") and file.name.endswith(_WEIGHTS))
        if file.is_file() and not trained and not file.name.startswith("."):
            shutil.copyfile(file, target / file.name)
