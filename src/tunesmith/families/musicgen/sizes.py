"""Parameter counts from the config alone, so that planning needs neither torch nor weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.families.musicgen.config import MusicGenConfig

# transformers' own class defaults, for keys that a config.json may leave out
_T5_DEFAULTS: dict[str, Any] = {
    "vocab_size": 32_128,
    "d_model": 512,
    "d_kv": 64,
    "d_ff": 2048,
    "num_layers": 6,
    "num_heads": 8,
    "relative_attention_num_buckets": 32,
    "feed_forward_proj": "relu",
}
_ENCODEC_DEFAULTS: dict[str, Any] = {
    "audio_channels": 1,
    "hidden_size": 128,
    "num_filters": 32,
    "num_residual_layers": 1,
    "upsampling_ratios": (8, 5, 4, 2),
    "norm_type": "weight_norm",
    "kernel_size": 7,
    "last_kernel_size": 7,
    "residual_kernel_size": 3,
    "compress": 2,
    "num_lstm_layers": 2,
    "use_conv_shortcut": True,
}


def decoder_parameters(config: MusicGenConfig) -> int:
    """Parameters of decoder and text projection.

    A block has two attentions (4 H²), a feed-forward (2 H F) and three layer norms (6 H); embeddings have V + 1 rows.
    """
    h, f, v, k = config.hidden_size, config.ffn_dim, config.vocab_size, config.num_codebooks
    blocks = config.layers * (8 * h * h + 2 * h * f + 6 * h)
    projection = config.text_size * h + h if config.text_size != h else 0
    return blocks + 2 * h + k * (v + 1) * h + k * v * h + projection


def parameter_count(config: MusicGenConfig) -> tuple[int, int]:
    """Parameters of the trained part, and of the whole checkpoint with its text encoder and its codec."""
    trained = decoder_parameters(config)
    frozen = text_parameters(config.raw["text_encoder"]) + codec_parameters(config.raw["audio_encoder"])
    return trained, trained + frozen


def text_parameters(t5: Mapping[str, Any]) -> int:
    """Parameters of T5's encoder.

    A block has four projections of the attention, two or (gated) three of the feed-forward, and two norms; the first
    one also a bias for every bucket of relative positions and head.

    Args:
        t5: The checkpoint's ``text_encoder``; what it leaves out is as in transformers' class.
    """
    sizes = _T5_DEFAULTS | dict(t5)
    d, inner = sizes["d_model"], sizes["num_heads"] * sizes["d_kv"]
    matrices = 3 if str(sizes["feed_forward_proj"]).startswith("gated") else 2
    block = 4 * d * inner + matrices * d * sizes["d_ff"] + 2 * d
    positions = sizes["relative_attention_num_buckets"] * sizes["num_heads"]
    return int(sizes["vocab_size"] * d + sizes["num_layers"] * block + positions + d)


def codec_parameters(codec: Mapping[str, Any]) -> int:
    """Parameters of EnCodec, whose codebooks are none.

    Convolutions down and up again with residual blocks between them, and an LSTM in the middle of either half. Weight
    norm gives every convolution one number more for each row of its weight, group norm two for each output.

    Args:
        codec: The checkpoint's ``audio_encoder``; what it leaves out is as in transformers' class.
    """
    sizes = _ENCODEC_DEFAULTS | dict(codec)
    filters, ratios, weight_norm = sizes["num_filters"], sizes["upsampling_ratios"], sizes["norm_type"] == "weight_norm"
    widest = filters * 2 ** len(ratios)

    def convolution(inputs: int, outputs: int, kernel: int, rows: int | None = None) -> int:
        normed = (outputs if rows is None else rows) if weight_norm else 2 * outputs
        return inputs * outputs * kernel + outputs + normed

    def residual(width: int) -> int:
        hidden = width // sizes["compress"]
        shortcut = convolution(width, width, 1) if sizes["use_conv_shortcut"] else 0
        return convolution(width, hidden, sizes["residual_kernel_size"]) + convolution(hidden, width, 1) + shortcut

    first, last, hidden = sizes["kernel_size"], sizes["last_kernel_size"], sizes["hidden_size"]
    ends = convolution(sizes["audio_channels"], filters, first) + convolution(widest, hidden, last)
    ends += convolution(hidden, widest, first) + convolution(filters, sizes["audio_channels"], last)
    lstm = sizes["num_lstm_layers"] * (8 * widest * widest + 8 * widest)
    between = 0
    for step, ratio in enumerate(reversed(ratios)):
        width = filters * 2**step
        between += convolution(width, 2 * width, 2 * ratio) + convolution(2 * width, width, 2 * ratio, rows=2 * width)
        between += 2 * sizes["num_residual_layers"] * residual(width)
    return int(ends + 2 * lstm + between)
