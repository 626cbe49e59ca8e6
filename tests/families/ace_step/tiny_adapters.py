"""Adapters with random factors on a transformer, saved as a run saves them, and loaded as diffusers loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.families.ace_step.tiny_transformer import random_inputs
from tunesmith.adapters.attach import unwrap_peft
from tunesmith.adapters.files import save_adapter
from tunesmith.families.ace_step.adapter_source import LORA_WEIGHTS

TARGETS = ["linear_q", "to_q", "to_out.0", "speaker_embedder"]


def adapted(transformer: nn.Module, *, seed: int = 3, **settings: Any) -> nn.Module:
    """The transformer (changed in place) inside PEFT, both factors drawn, so that the adapter has an effect."""
    from peft import LoraConfig, get_peft_model

    network = get_peft_model(transformer, LoraConfig(**{"r": 4, "target_modules": TARGETS, **settings}))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.requires_grad and "magnitude" not in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return network.eval()


def saved(network: nn.Module, folder: Path) -> Path:
    """A run's adapter folder."""
    save_adapter({"transformer": network}, folder, "base")
    return folder


@torch.no_grad()
def velocity(network: nn.Module, *, seed: int = 1) -> torch.Tensor:
    """What a network makes of one item with text, speaker and lyrics."""
    transformer = unwrap_peft(network)
    inputs = random_inputs((9,), (3,), (4,), transformer.config, seed=seed)
    return transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer))


def load_as_upstream(transformer: nn.Module, folder: Path) -> nn.Module:
    """With diffusers' mixin, by the file's path, as upstream's pipeline does it."""
    return _load(transformer, str(folder / LORA_WEIGHTS), with_alpha=True)


def load_by_folder(transformer: nn.Module, folder: Path) -> nn.Module:
    """With diffusers' mixin, by folder and name, so that it reads the header."""
    return _load(transformer, str(folder), weight_name=LORA_WEIGHTS)


def _load(transformer: nn.Module, *arguments: Any, **settings: Any) -> nn.Module:
    from diffusers.loaders.peft import PeftAdapterMixin

    transformer.__class__ = type("Loadable", (PeftAdapterMixin, type(transformer)), {})
    transformer.load_lora_adapter(*arguments, adapter_name="ace_step_lora", prefix=None, **settings)
    return transformer.eval()
