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

    def enable_checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks in the backward pass."""
        decoder: Any = networks[NETWORK]
        decoder.decoder.gradient_checkpointing_enable({"use_reentrant": False})

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile every decoder layer by itself: one graph serves all of them."""
        decoder: Any = networks[NETWORK]
        for layer in decoder.decoder.model.decoder.layers:
            layer.compile(dynamic=True)
