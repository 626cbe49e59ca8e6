"""Sizes of the published MusicGen checkpoints, so that a run can be planned before gigabytes are downloaded."""

from __future__ import annotations

from tunesmith.families.contract import ModelCard
from tunesmith.families.musicgen.config import LICENCE, parse_config, refuse_unsupported
from tunesmith.families.musicgen.sizes import decoder_parameters
from tunesmith.families.musicgen.source import HUB_SIZES

DECODERS = {"small": (24, 1024), "medium": (48, 1536), "large": (48, 2048)}
"""Layers and width by size (the checkpoints' config.json, also AudioCraft's config/model/lm/model_scale)."""
FROZEN = 166_500_000
"""Parameters of T5-base's encoder (110 M) and of EnCodec 32 kHz (57 M)."""


def published_card(path: str) -> ModelCard | None:
    """The card of ``facebook/musicgen-{small,medium,large}`` or ``-stereo-*``; ``None`` for anything else.

    Raises:
        TunesmithError: for kinds of MusicGen that are not supported (melody, style).
    """
    refuse_unsupported(path)
    owner, _, name = path.partition("/")
    size = name.rpartition("-")[2]
    if owner != "facebook" or size not in DECODERS or name not in (f"musicgen-{size}", f"musicgen-stereo-{size}"):
        return None
    layers, width = DECODERS[size]
    channels = 2 if "-stereo-" in name else 1
    raw = {
        "decoder": {
            "num_hidden_layers": layers,
            "hidden_size": width,
            "ffn_dim": 4 * width,
            "audio_channels": channels,
            "num_codebooks": 4 * channels,
        },
        "audio_encoder": {"sampling_rate": 32_000, "upsampling_ratios": (8, 5, 4, 4)},
        "text_encoder": {"d_model": 768},
    }
    config = parse_config(raw, path)
    trained = decoder_parameters(config)
    return ModelCard(
        family="musicgen",
        path=path,
        licence=LICENCE,
        sample_rate=config.sample_rate,
        channels=channels,
        frame_rate=config.frame_rate,
        max_seconds=config.max_seconds,
        parameters=trained + FROZEN,
        trained_parameters=trained,
        weights_bytes=round(HUB_SIZES[size] * 1e9),
        notes=("sizes as published; the checkpoint itself has not been read",),
    )
