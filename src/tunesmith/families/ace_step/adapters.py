"""Where adapters go on ACE-Step, and the files that other tools load."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import NETWORK
from tunesmith.families.base_weights import packed_warnings
from tunesmith.families.contract import Adapters
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn

TARGETS = ("linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0")
"""Attention of transformer and lyric encoder, as upstream; without its ``speaker_embedder``, which gets no gradient
from clips without a speaker vector."""


class AceStepAdapters(Adapters):
    """LoRA on every attention, rank 64."""

    def __init__(self, checkpoint: AceStepCheckpoint) -> None:
        super().__init__({NETWORK: AdapterDefaults(TARGETS, rank=64, alpha=64)})
        self.checkpoint = checkpoint

    def warnings(self, targets: Sequence[str], kind: str) -> list[Message]:
        """Targets that learn nothing, losses without heads, DoRA that only PEFT loads, and a base not as published."""
        from tunesmith.families.ace_step.adapter_targets import idle_targets

        dora = msg("a DoRA has no form that ACE-Step's own tools load; use `tunesmith export --merged` for them")
        headless = msg(
            "projection losses were asked for (options.ssl), and this model has no heads for them: it trains without"
        )
        asked = self.checkpoint.settings.ssl == "on" and not self.checkpoint.ssl_names
        return [
            *idle_targets(targets),
            *([headless] if asked else []),
            *([dora] if kind == "dora" else []),
            *packed_warnings(self.checkpoint.settings.base_weights),
        ]

    def apply(self, networks: Mapping[str, nn.Module], loras: Sequence[str]) -> list[Message]:
        """Add LoRA files or folders of any known format, each at its strength."""
        from tunesmith.adapters.attach import unwrap_peft
        from tunesmith.families.ace_step.adapter_files import read_lora
        from tunesmith.families.ace_step.adapter_stack import apply_loras, parse_lora

        chosen = [(read_lora(path), strength) for path, strength in map(parse_lora, loras)]
        apply_loras(unwrap_peft(networks[NETWORK]), chosen)
        return [note for lora, _ in chosen for note in lora.notes]

    def formats(self) -> dict[str, Callable[[Path, Path], None]]:
        """Upstream's file with the scale baked in, diffusers' with the scale in its header, ComfyUI's with alphas."""
        from tunesmith.families.ace_step.adapter_formats import FORMATS

        return dict(FORMATS)

    def write_extra_files(self, folder: Path) -> None:
        """The baked file that upstream's pipeline loads; a DoRA adapter has none, only a merged model holds it."""
        from tunesmith.families.ace_step.adapter_formats import bake_beside

        bake_beside(folder)

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """A checkpoint folder in the published layout with the adapter inside the transformer."""
        from tunesmith.families.ace_step.export import export_merged

        export_merged(self.checkpoint.folder, networks[NETWORK], folder)
