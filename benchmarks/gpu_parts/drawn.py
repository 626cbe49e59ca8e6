"""Networks of random weights at any size: shapes as the project builds them, numbers drawn where they will be used."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ace_step_models import checkpoint_config
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import AceStepConfig, TransformerConfig
from tunesmith.families.ace_step.networks import AceStepNetworks
from tunesmith.families.ace_step.parts.feed_forward import PACKABLE
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.musicgen.networks import MusicGenNetworks
from tunesmith.families.musicgen.weights import rebuild_positions
from tunesmith.families.quantise import LINEAR, Packed, make_packable
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.config import LLM, FlowConfig, Step1Config, TokenIds
from tunesmith.families.step_audio.networks import StepAudioNetworks
from tunesmith.families.step_audio.settings import StepAudioSettings


def filled(network: nn.Module, device: str, dtype: torch.dtype) -> nn.Module:
    """Give a network of the meta device its numbers: matrices that keep the variance, norms of 1, biases of 0.

    A tensor's numbers depend on its name alone, so that a packed network has those of the full one. They are the same
    for one device; the CPU's and a GPU's differ.
    """
    generator = torch.Generator(device)
    for path, module in network.named_modules():
        for leaf, parameter in list(module.named_parameters(recurse=False)):
            place = "cpu" if isinstance(module, Packed) and leaf == "weight" else device
            values = torch.empty(parameter.shape, dtype=dtype, device=place)
            if parameter.dim() > 1:
                source = generator if place == device else torch.Generator(place)
                source.manual_seed(zlib.crc32(f"{path}.{leaf}".encode()))
                values.normal_(0.0, parameter[0].numel() ** -0.5, generator=source)
            else:
                values.fill_(0.0 if leaf.endswith("bias") else 1.0)
            if isinstance(module, Packed) and leaf == "weight":
                module.pack(values.float())
            else:
                module.register_parameter(leaf, nn.Parameter(values, requires_grad=False))
    return network.requires_grad_(False).eval()


class Drawn:
    """Before a family's networks: what they would load is drawn instead.

    Attributes:
        device: Where the numbers are drawn.
        dtype: Of the numbers.
        kinds: What of a block can be packed, and as what.
    """

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    kinds: Mapping[type[nn.Module], type[Packed]] = LINEAR

    def load(self, names: Sequence[str] | None = None, *, meta: bool = False) -> dict[str, nn.Module]:
        """The family's own shapes, with numbers unless ``meta``; packed where its options say so."""
        own: Any = super()
        networks: dict[str, nn.Module] = own.load(names, meta=True)
        if meta:
            return networks
        checkpoint: Any = self.checkpoint  # type: ignore[attr-defined]
        packing = getattr(checkpoint.settings, "base_weights", "full")
        for name, network in networks.items():
            if packing != "full" and name in self.packed:
                blocks: Any = self.repeated_blocks(name, network)  # type: ignore[attr-defined]
                make_packable(blocks, packing, self.kinds)
            self.finish(filled(network, self.device, self.dtype))
        return networks

    packed: tuple[str, ...] = ()

    def finish(self, network: nn.Module) -> None:
        """Make what is no parameter."""


class DrawnMusicGen(Drawn, MusicGenNetworks):
    """MusicGen's decoder."""

    def finish(self, network: nn.Module) -> None:
        """The table of positions."""
        rebuild_positions(network)  # type: ignore[arg-type]
        network.to(self.device)


class DrawnAceStep(Drawn, AceStepNetworks):
    """ACE-Step's transformer."""

    packed, kinds = AceStepNetworks.names, PACKABLE


class DrawnStepAudio(Drawn, StepAudioNetworks):
    """LLM and flow; a run that trains one of them holds both, as it does for previews."""

    packed = (LLM,)


class UnwrittenAceStep(AceStepCheckpoint):
    """Sizes without a checkpoint."""

    folder = Path("unwritten")

    def __init__(self, transformer: TransformerConfig, settings: AceStepSettings) -> None:
        super().__init__("unwritten", settings)
        self.config: AceStepConfig = checkpoint_config(transformer)


class UnwrittenStepAudio(StepAudioCheckpoint):
    """Sizes and ids without a checkpoint."""

    folder = flow_folder = Path("unwritten")

    def __init__(self, configs: tuple[Step1Config, FlowConfig], ids: TokenIds, settings: StepAudioSettings) -> None:
        super().__init__("unwritten", settings)
        self.configs, self.ids = configs, ids
