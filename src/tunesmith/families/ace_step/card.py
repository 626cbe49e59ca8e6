"""Facts of an ACE-Step v1 checkpoint."""

from __future__ import annotations

from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import LICENCE, MAX_SECONDS, SAMPLE_RATE, TRANSFORMER
from tunesmith.families.base_weights import packed_size
from tunesmith.families.contract import Card, ModelCard

INVERSION_SECONDS = 0.22
"""Of the pocket model's stereo at 44.1 kHz, which has no vocoder's weights: CPU-seconds per second, measured."""


class AceStepCard(Card):
    """Sizes and licence."""

    def __init__(self, checkpoint: AceStepCheckpoint) -> None:
        super().__init__(checkpoint)
        self.checkpoint = checkpoint

    def facts(self) -> ModelCard:
        """Sizes and licence from configs and file headers."""
        from tunesmith.families.ace_step.sizes import (
            cached_bytes,
            packable,
            passes,
            tensor_elements,
            transformer_shape,
            used_parameters,
        )

        checkpoint, config, folder = self.checkpoint, self.checkpoint.config, self.checkpoint.folder
        files = sorted(folder.glob("*/*.safetensors"))
        trained = used_parameters(config.transformer)
        frame_bytes, text_bytes = cached_bytes(config.transformer)
        packed_parameters, packed_bytes = packed_size(packable(config.transformer), checkpoint.settings.base_weights)
        frozen = sum(tensor_elements(file) for file in files if file.parent.name != TRANSFORMER)
        return ModelCard(
            family="ace_step",
            path=self.path,
            licence=LICENCE,
            sample_rate=SAMPLE_RATE,
            channels=2,
            frame_rate=config.frame_rate,
            max_seconds=MAX_SECONDS,
            parameters=trained + frozen,
            trained_parameters=trained,
            weights_bytes=sum(file.stat().st_size for file in files),
            shapes=(transformer_shape(config.transformer),),
            frame_bytes=frame_bytes,
            text_bytes=text_bytes,
            packed_parameters=packed_parameters,
            packed_bytes=packed_bytes,
            passes=passes(checkpoint.settings),
            inversion_seconds=INVERSION_SECONDS if checkpoint.pocket else 0.0,
        )

    def published(self) -> ModelCard | None:
        """Published sizes of the checkpoint on the Hub."""
        from tunesmith.families.ace_step.published import published_card

        return published_card(self.path, self.checkpoint.settings)

    @property
    def base_name(self) -> str:
        """The hub id or folder."""
        return str(self.checkpoint.folder) if self.checkpoint.pocket else self.path

    @property
    def config_file(self) -> str:
        """The transformer's weights, the one large file."""
        return f"{TRANSFORMER}/diffusion_pytorch_model.safetensors"
