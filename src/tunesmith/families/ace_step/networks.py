"""The network that trains: the diffusion transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import NETWORK
from tunesmith.families.contract import Networks

if TYPE_CHECKING:
    from torch import nn


class AceStepNetworks(Networks):
    """The transformer with its lyric encoder."""

    names = (NETWORK,)

    def __init__(self, checkpoint: AceStepCheckpoint) -> None:
        self.checkpoint = checkpoint

    def load(self, names: Sequence[str] | None = None, *, meta: bool = False) -> dict[str, nn.Module]:
        """The transformer with its lyric encoder."""
        from tunesmith.families.ace_step.parts.weights import load_transformer

        return {
            NETWORK: load_transformer(
                self.checkpoint.folder,
                self.checkpoint.config.transformer,
                meta=meta,
                projectors=bool(self.checkpoint.ssl_names),
                lyric_dropout=self.checkpoint.settings.lyric_encoder_dropout,
                base_weights=self.checkpoint.settings.base_weights,
            )
        }

    def repeated_blocks(self, name: str, network: nn.Module) -> Sequence[nn.Module]:
        """The transformer's blocks."""
        from tunesmith.adapters.attach import unwrap_peft

        blocks: Sequence[nn.Module] = unwrap_peft(network).transformer_blocks
        return blocks

    def enable_checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks in the backward pass."""
        from tunesmith.adapters.attach import unwrap_peft

        unwrap_peft(networks[NETWORK]).enable_checkpointing()

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile every transformer block by itself: one graph serves all of them."""
        for block in self.repeated_blocks(NETWORK, networks[NETWORK]):
            block.compile(dynamic=True)
