"""Sizes of the published checkpoint, so that a run can be planned before gigabytes are downloaded."""

from __future__ import annotations

from tunesmith.families.ace_step.config import LICENCE, MAX_SECONDS, SAMPLE_RATE, TransformerConfig
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.sizes import cached_bytes, packable, passes, transformer_shape, used_parameters
from tunesmith.families.ace_step.source import REPOSITORY
from tunesmith.families.base_weights import packed_size
from tunesmith.families.contract import ModelCard

FROZEN = 281_861_376 + 156_812_426 + 102_811_922
"""Parameters of UMT5's encoder, the DCAE and the vocoder."""
CHECKPOINT_BYTES = 8_275_790_207


def published_card(path: str, settings: AceStepSettings | None = None) -> ModelCard | None:
    """The card of ``ACE-Step/ACE-Step-v1-3.5B``; ``None`` for anything else."""
    if path != REPOSITORY:
        return None
    settings = settings or AceStepSettings()
    trained = used_parameters(TransformerConfig())
    frame_bytes, text_bytes = cached_bytes(TransformerConfig())
    packed_parameters, packed_bytes = packed_size(packable(TransformerConfig()), settings.base_weights)
    return ModelCard(
        family="ace_step",
        path=path,
        licence=LICENCE,
        sample_rate=SAMPLE_RATE,
        channels=2,
        frame_rate=44_100 / 4096,
        max_seconds=MAX_SECONDS,
        parameters=trained + FROZEN,
        trained_parameters=trained,
        weights_bytes=CHECKPOINT_BYTES,
        shapes=(transformer_shape(TransformerConfig()),),
        frame_bytes=frame_bytes,
        text_bytes=text_bytes,
        packed_parameters=packed_parameters,
        packed_bytes=packed_bytes,
        passes=passes(settings),
        notes=("sizes as published; the checkpoint itself has not been read",),
    )
