"""Parameter counts from the config alone, so that planning needs neither torch nor weights."""

from __future__ import annotations

from math import prod
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.contract.card import TransformerShape
from tunesmith.texts import msg

SAVED_BYTES = 104.0
"""Saved for backward per frame, layer and unit of width in bf16: 16.6 GB for 240 s, counted with saved-tensor hooks."""
TAG_ORDERS, TAG_TOKENS = 8, 24
"""Orders of a clip's tags that are cached, and tokens of a usual list of tags."""
PATCH_WIDTH = 256
"""Channels of the patch embedding per latent channel."""


def used_parameters(config: TransformerConfig) -> int:
    """Parameters of the transformer that a forward pass uses: without dead layers and projectors.

    A block has eight square projections with bias (4 self, 4 cross), a gated convolution over 2 * ratio * D channels
    and six modulation rows; a lyric layer has five square projections, a feed-forward and relative-position biases.
    """
    d, inner = config.inner_dim, int(config.inner_dim * config.mlp_ratio)
    block = 8 * (d * d + d) + 2 * inner * (d + 1) + 2 * inner * 4 + inner * d + 6 * d
    lyric, hidden, units = config.lyric_encoder, config.lyric_hidden_size, config.lyric_encoder.linear_units
    w = lyric.output_size
    layer = 4 * (w * w + w) + w * w + 2 * w + 2 * w * units + units + w + 4 * w
    lyrics = config.lyric_encoder_vocab_size * hidden + hidden * w + 3 * w + lyric.num_blocks * layer + 2 * w
    height, width = config.patch_size
    patch = config.in_channels * PATCH_WIDTH
    embed = patch * (config.in_channels * height * width + 1) + 2 * patch + patch * d + d
    time = 256 * d + d + d * d + d + 6 * d * d + 6 * d
    conditions = (config.speaker_embedding_dim + 1) * d + (config.text_embedding_dim + 1) * d + (w + 1) * d
    out = height * width * config.out_channels
    return config.num_layers * block + lyrics + embed + time + conditions + 2 * d + (d + 1) * out


def packable(config: TransformerConfig) -> list[tuple[int, int]]:
    """Outputs and inputs of the blocks' matrices: eight projections, both convolutions of one tap."""
    d, inner = config.inner_dim, int(config.inner_dim * config.mlp_ratio)
    return config.num_layers * [*(8 * [(d, d)]), (2 * inner, d), (d, inner)]


def transformer_shape(config: TransformerConfig) -> TransformerShape:
    """What planning needs: depth, width and what LoRA on every attention adds per rank."""
    d, lyric = config.inner_dim, config.lyric_encoder
    widths = config.num_layers * 8 * 2 * d + lyric.num_blocks * 3 * 2 * lyric.output_size
    return TransformerShape(config.num_layers, d, widths, SAVED_BYTES, used_parameters(config))


def cached_bytes(config: TransformerConfig) -> tuple[int, int]:
    """What the cache keeps per frame, and per clip for its texts."""
    return 2 * config.in_channels * config.max_height, TAG_ORDERS * TAG_TOKENS * config.text_embedding_dim * 2


def passes(settings: AceStepSettings) -> float:
    """Passes over a clip while it is generated: one per step, and one more in the share that is guided."""
    guided = settings.guidance_interval * (2.0 if settings.erg_diffusion else 1.0) if settings.guidance > 1 else 0.0
    twice = 2 if settings.scheduler == "heun" else 1
    return (len(settings.only_steps) or settings.steps) * twice * (1 + guided)


def tensor_elements(file: Path) -> int:
    """Numbers in a safetensors file, from its header.

    Raises:
        TunesmithError: when the file is missing or is not one.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as tensors:
            return sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TunesmithError(
            msg("these weights cannot be read ({error})", error=error),
            where=str(file),
            remedy=msg("Download the checkpoint again."),
        ) from error
