"""How Step-Audio-EditX speaks and edits, and what its base model is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Generation, Generator, Networks
from tunesmith.families.own_prompts import own_prompts
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.defaults import BASE_EDITS, BASE_PROMPTS
from tunesmith.families.step_audio.encoding import StepAudioEncoding
from tunesmith.files import read_json
from tunesmith.texts import msg

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.step_audio.encoder import StepAudioEncoder


class StepAudioGeneration(Generation):
    """Clones and edits."""

    def __init__(self, checkpoint: StepAudioCheckpoint, networks: Networks, encoding: StepAudioEncoding) -> None:
        self.checkpoint, self.networks, self.encoding = checkpoint, networks, encoding
        self._encoders: dict[str, StepAudioEncoder] = {}  # of its generators by device: loading takes long

    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over a run's networks, or over the base's; all on one device share a front end."""
        import torch

        from tunesmith.families.step_audio.generate import StepAudioGenerator

        if networks is None:
            kind = None if device.startswith("cuda") else torch.float32
            networks = {name: network.to(device, kind) for name, network in self.networks.load().items()}
        if present := cast("StepAudioEncoder | None", self.encoding.shared(device)):
            return StepAudioGenerator(networks, present, device)
        if device not in self._encoders:
            self._encoders[device] = self.encoding.make_encoder(device)
        return StepAudioGenerator(networks, self._encoders[device], device)

    def base_prompts(self) -> tuple[str, ...]:
        """The checkpoint's own list where it ships one, else eight in two languages."""
        return own_prompts(self.checkpoint.folder, BASE_PROMPTS)

    def base_edits(self) -> tuple[tuple[str, str], ...]:
        """The checkpoint's own list where it ships one (``base_edits.json``), else one of every kind."""
        path = self.checkpoint.folder / "base_edits.json"
        if not path.exists():
            return BASE_EDITS
        edits = read_json(path)
        if not isinstance(edits, list) or not edits or not all(isinstance(e, list) and len(e) == 2 for e in edits):
            raise TunesmithError(
                msg("this file is no list of edits"), where=str(path), remedy=msg("Download the checkpoint again.")
            )
        return tuple((kind, info) for kind, info in edits)

    def default_request_options(self) -> dict[str, Any]:
        """Previews of texts without a sample are clones, whatever is generated afterwards."""
        return {"edit_type": "clone"}
