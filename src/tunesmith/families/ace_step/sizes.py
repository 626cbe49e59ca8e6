"""Parameter counts from the config alone, so that planning needs neither torch nor weights."""

from __future__ import annotations

from math import prod
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import TransformerConfig

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
            f"these weights cannot be read ({error})", where=str(file), remedy="Download the checkpoint again."
        ) from error
