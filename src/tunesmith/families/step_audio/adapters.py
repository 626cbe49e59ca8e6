"""What of Step-Audio-EditX trains, and the files that other tools load."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.families.base_weights import packed_warnings
from tunesmith.families.contract import Adapters
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.families.step_audio.defaults import FLOW_TARGETS, LLM_TARGETS
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn


class StepAudioAdapters(Adapters):
    """LoRA on the LLM; of the flow the decoder, itself or by LoRA."""

    def __init__(self, checkpoint: StepAudioCheckpoint) -> None:
        super().__init__()
        self.checkpoint = checkpoint

    def defaults(self) -> dict[str, AdapterDefaults]:
        """LoRA on the LLM's attention; of the flow the decoder, itself or by LoRA."""
        full = ("decoder",) if self.checkpoint.settings.freeze_encoder else (
            "decoder", "encoder", "encoder_proj", "input_embedding", "spk_embed_affine_layer",
        )  # fmt: skip
        defaults = {
            LLM: AdapterDefaults(LLM_TARGETS, rank=8, alpha=32),
            FLOW: AdapterDefaults(FLOW_TARGETS, rank=16, alpha=16, full=full),
        }
        return {name: defaults[name] for name in self.checkpoint.trained}

    def warnings(self, targets: Sequence[str], kind: str) -> list[Message]:
        """A base that is not the published one."""
        frozen = msg("options.freeze_encoder is false, and only `kind: full` of the flow trains its encoder")
        return [
            *packed_warnings(self.checkpoint.settings.base_weights),
            *([] if self.checkpoint.settings.freeze_encoder else [frozen]),
        ]

    def formats(self) -> dict[str, Callable[[Path, Path], None]]:
        """``pt``: the files of the seed trainer (``llm_best.pt``, ``flow_best.pt``)."""
        from tunesmith.families.step_audio.checkpoints import write_best

        return {"pt": write_best}

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """LLM in safetensors with the adapter inside (for vLLM), and a full ``flow.pt``."""
        from tunesmith.adapters.attach import unwrap_peft
        from tunesmith.families.step_audio.export import export_merged

        export_merged(
            unwrap_peft(networks[LLM]),
            unwrap_peft(networks[FLOW]),
            self.checkpoint.folder,
            self.checkpoint.flow_folder,
            folder,
        )
