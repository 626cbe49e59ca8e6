"""The published sizes, counted on modules without weights: planning must not be told anything else."""

from __future__ import annotations

import pytest
import torch

from tunesmith.families.musicgen.adapters import TARGETS
from tunesmith.families.musicgen.config import MusicGenConfig, parse_config
from tunesmith.families.musicgen.published import DECODERS, published_card
from tunesmith.families.musicgen.sizes import decoder_parameters
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


def test_adapter_targets_are_ten_layers_in_every_block():
    with torch.device("meta"):
        part = TrainedPart(real_config("small", 1))
    hit = [n for n, m in part.named_modules() if isinstance(m, torch.nn.Linear) and n.rsplit(".", 1)[-1] in TARGETS]
    assert len(hit) == 24 * 10
    assert all(".layers." in name for name in hit)
