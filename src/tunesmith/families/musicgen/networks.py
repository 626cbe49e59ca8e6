"""The network that trains: the decoder over codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunesmith.families.contract import Networks
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.config import NETWORK

if TYPE_CHECKING:
    from torch import nn


class MusicGenNetworks(Networks):
    """The decoder with its text projection."""

    names = (NETWORK,)

    def __init__(self, checkpoint: MusicGenCheckpoint) -> None:
        self.checkpoint = checkpoint

    def load(self, names: Sequence[str] | None = None, *, meta: bool = False) -> dict[str, nn.Module]:
        """The decoder with its text projection."""
        from tunesmith.families.musicgen.weights import load_trained_part

        return {NETWORK: load_trained_part(self.checkpoint.folder, self.checkpoint.config, meta=meta)}

    def repeated_blocks(self, name: str, network: nn.Module) -> Sequence[nn.Module]:
        """The decoder's layers."""
        decoder: Any = network
        layers: Sequence[nn.Module] = decoder.decoder.model.decoder.layers
        return layers

    def enable_checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks in the backward pass."""
        decoder: Any = networks[NETWORK]
        decoder.decoder.gradient_checkpointing_enable({"use_reentrant": False})

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile every decoder layer by itself: one graph serves all of them."""
        for layer in self.repeated_blocks(NETWORK, networks[NETWORK]):
            layer.compile(dynamic=True)
