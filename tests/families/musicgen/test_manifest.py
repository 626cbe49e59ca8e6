"""The published sizes, counted on modules without weights: planning must not be told anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import EncodecConfig, EncodecModel, T5Config, T5EncoderModel

from tunesmith.families.musicgen.adapters import TARGETS
from tunesmith.families.musicgen.config import MusicGenConfig, parse_config
from tunesmith.families.musicgen.published import DECODERS, published_card
from tunesmith.families.musicgen.sizes import codec_parameters, decoder_parameters, text_parameters
from tunesmith.families.musicgen.weights import TrainedPart

PUBLISHED = {"small": 420e6, "medium": 1.84e9, "large": 3.26e9}  # the decoder and its text projection


def real_config(size: str, channels: int) -> MusicGenConfig:
    layers, width = DECODERS[size]
    decoder = {
        "num_hidden_layers": layers,
        "hidden_size": width,
        "ffn_dim": 4 * width,
        "num_attention_heads": width // 64,
        "vocab_size": 2048,
        "num_codebooks": 4 * channels,
        "audio_channels": channels,
        "pad_token_id": 2048,
        "bos_token_id": 2048,
    }
    codec = {"model_type": "encodec", "sampling_rate": 32_000, "upsampling_ratios": [8, 5, 4, 4]}
    text = {"model_type": "t5", "d_model": 768}
    return parse_config({"decoder": decoder, "audio_encoder": codec, "text_encoder": text}, "-")


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("size", PUBLISHED)
def test_decoder_count_equals_the_modules_own(size, channels):
    config = real_config(size, channels)
    with torch.device("meta"):
        part = TrainedPart(config)
    counted = sum(p.numel() for p in part.parameters())
    assert decoder_parameters(config) == counted
    books = 4 * (channels - 1) * (2 * 2048 + 1) * config.hidden_size  # a second channel's embeddings and heads
    assert counted - books == pytest.approx(PUBLISHED[size], rel=0.005)
    name = f"facebook/musicgen-{'stereo-' if channels == 2 else ''}{size}"
    assert published_card(name).trained_parameters == counted


def counted_on_meta(make: Callable[[], torch.nn.Module]) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make().parameters())


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
        {"d_model": 64, "d_kv": 8, "feed_forward_proj": "gated-gelu", "relative_attention_num_buckets": 16},
    ],
    ids=["class defaults", "T5-base", "gated"],
)
def test_the_text_encoders_count_equals_the_modules_own(sizes):
    assert text_parameters(sizes) == counted_on_meta(lambda: T5EncoderModel(T5Config(**sizes)))


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"num_filters": 64, "upsampling_ratios": [8, 5, 4, 4], "codebook_size": 2048, "sampling_rate": 32_000},
        {"norm_type": "time_group_norm", "audio_channels": 2, "kernel_size": 5, "last_kernel_size": 3},
        {"use_conv_shortcut": False, "num_residual_layers": 2, "num_lstm_layers": 1, "compress": 4, "hidden_size": 96},
    ],
    ids=["class defaults", "32 kHz", "group norm, stereo", "no shortcuts"],
)
def test_the_codecs_count_equals_the_modules_own(sizes):
    assert codec_parameters(sizes) == counted_on_meta(lambda: EncodecModel(EncodecConfig(**sizes)))


def test_adapter_targets_are_ten_layers_in_every_block():
    with torch.device("meta"):
        part = TrainedPart(real_config("small", 1))
    hit = [n for n, m in part.named_modules() if isinstance(m, torch.nn.Linear) and n.rsplit(".", 1)[-1] in TARGETS]
    assert len(hit) == 24 * 10
    assert all(".layers." in name for name in hit)
