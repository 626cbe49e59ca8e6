"""How MusicGen generates audio, and the prompts that measure forgetting of its base model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from tunesmith.families.contract import Encoding, Generation, Generator, Networks
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.config import NETWORK
from tunesmith.families.own_prompts import own_prompts

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.musicgen.encoder import MusicGenEncoder

BASE_PROMPTS = (
    "warm acoustic guitar and soft piano, calm evening",
    "upbeat pop rock with electric guitars and live drums",
    "orchestral film score, strings and horns, slow build",
    "deep house with a steady kick and airy pads, 122 bpm",
    "jazz trio, walking double bass, brushed drums, piano solo",
    "bluegrass banjo and fiddle, fast and bright",
    "ambient synthesizer drone, wide and peaceful",
    "funk groove with slap bass, clavinet and brass stabs",
)
"""Far apart from each other and from most fine-tuning sets, so that forgetting shows."""


class MusicGenGeneration(Generation):
    """Text to music, and continuation."""

    def __init__(self, checkpoint: MusicGenCheckpoint, networks: Networks, encoding: Encoding) -> None:
        self.checkpoint, self.networks, self.encoding = checkpoint, networks, encoding

    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over the run's networks, or over the base."""
        from tunesmith.families.musicgen.generate import MusicGenGenerator

        checkpoint = self.checkpoint
        network = (networks or self.networks.load())[NETWORK]
        present = cast("MusicGenEncoder | None", self.encoding.shared(device))
        return MusicGenGenerator(checkpoint.folder, checkpoint.config, checkpoint.settings, network, device, present)

    def base_prompts(self) -> tuple[str, ...]:
        """The checkpoint's own list where it ships one, else eight varied ones."""
        return own_prompts(self.checkpoint.folder, BASE_PROMPTS)
