"""How ACE-Step generates songs, and the prompts that measure forgetting of its base model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import NETWORK
from tunesmith.families.contract import Encoding, Generation, Generator, Networks
from tunesmith.families.own_prompts import own_prompts

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.ace_step.encoder import AceStepEncoder

BASE_PROMPTS = (
    "acoustic guitar, soft piano, calm, folk, 80 bpm",
    "pop rock, electric guitar, live drums, male vocal, energetic, 130 bpm",
    "orchestral, film score, strings, horns, epic",
    "deep house, electronic, synthesizer, female vocal, 122 bpm",
    "jazz, piano trio, double bass, brushed drums, relaxed",
    "bluegrass, banjo, fiddle, fast, bright",
    "ambient, synthesizer, drone, peaceful",
    "funk, slap bass, brass, groovy, 105 bpm",
)
"""Far apart from each other and from most fine-tuning sets, so that forgetting shows."""


class AceStepGeneration(Generation):
    """Songs from tags and lyrics, and from other songs."""

    def __init__(self, checkpoint: AceStepCheckpoint, networks: Networks, encoding: Encoding) -> None:
        self.checkpoint, self.networks, self.encoding = checkpoint, networks, encoding

    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over the run's networks, or over the base."""
        from tunesmith.families.ace_step.generate import AceStepGenerator

        checkpoint = self.checkpoint
        network = (networks or self.networks.load())[NETWORK]
        present = cast("AceStepEncoder | None", self.encoding.shared(device))
        return AceStepGenerator(checkpoint.folder, checkpoint.config, checkpoint.settings, network, device, present)

    def base_prompts(self) -> tuple[str, ...]:
        """The checkpoint's own list where it ships one, else eight varied ones."""
        return own_prompts(self.checkpoint.folder, BASE_PROMPTS)

    def compares_source(self) -> bool:
        """For ``edit``."""
        return self.checkpoint.settings.task == "edit"

    def default_request_options(self) -> dict[str, Any]:
        """Previews and comparisons are made of tags and lyrics, whatever is generated afterwards."""
        return {"task": "text2music"}
