"""Where adapters go on MusicGen, and the merged model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.families.contract import Adapters
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.config import NETWORK

if TYPE_CHECKING:
    from torch import nn

TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""Every linear layer of the decoder's blocks. Heads and embeddings cost 60 % more memory and are not needed."""


class MusicGenAdapters(Adapters):
    """LoRA on the blocks' linear layers, rank 16; plain PEFT loads it."""

    def __init__(self, checkpoint: MusicGenCheckpoint) -> None:
        super().__init__({NETWORK: AdapterDefaults(TARGETS, rank=16, alpha=16)})
        self.checkpoint = checkpoint

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """A ``MusicgenForConditionalGeneration.save_pretrained`` folder with the adapter inside."""
        from tunesmith.families.musicgen.export import export_merged

        export_merged(self.checkpoint.folder, self.checkpoint.config, networks[NETWORK], folder)
