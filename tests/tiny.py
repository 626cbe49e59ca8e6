"""A MusicGen of random weights, small enough for tests, in the real checkpoint's format."""

from __future__ import annotations

import math
from pathlib import Path

import torch

WORDS = ["trap", "808", "beat", "dark", "slow", "house", "pads", "bpm", "piano", "drums", "the", "a", "140", "120"]


def tiny_musicgen(
    folder: Path,
    *,
    channels: int = 1,
    vocab: int = 64,
    books: int = 4,
    layers: int = 2,
    hidden: int = 64,
    seed: int = 0,
    dropout: float = 0.1,
) -> Path:
    """Write a random MusicGen (8 kHz, 50 frames/s) with tokenizer and feature extractor to ``folder``."""
    from transformers import (
        EncodecConfig,
        EncodecFeatureExtractor,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        T5Config,
        T5Tokenizer,
    )

    torch.manual_seed(seed)
    text = T5Config(
        vocab_size=128,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        dropout_rate=dropout,
        is_encoder_decoder=False,
        use_cache=False,
    )
    codec = EncodecConfig(
        target_bandwidths=[books // channels * math.log2(vocab) * 50 / 1000],
        sampling_rate=8000,
        audio_channels=1,
        normalize=False,
        hidden_size=16,
        num_filters=4,
        num_residual_layers=1,
        upsampling_ratios=[8, 5, 4],
        use_causal_conv=False,
        num_lstm_layers=1,
        codebook_size=vocab,
        codebook_dim=16,
        kernel_size=7,
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=vocab,
        num_hidden_layers=layers,
        ffn_dim=hidden * 4,
        num_attention_heads=4,
        hidden_size=hidden,
        dropout=dropout,
        num_codebooks=books,
        audio_channels=channels,
        pad_token_id=vocab,
        bos_token_id=vocab,
        max_position_embeddings=512,
    )
    model = MusicgenForConditionalGeneration(
        MusicgenConfig(text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict())
    ).eval()
    with torch.no_grad():  # a fresh EnCodec's books are all zero, which would make every clip code 0
        for layer in model.audio_encoder.quantizer.layers:
            layer.codebook.embed.normal_()
    generation = model.generation_config
    generation.decoder_start_token_id = generation.pad_token_id = generation.bos_token_id = vocab
    model.save_pretrained(folder)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)] + [("▁" + w, -1.0) for w in WORDS]
    pieces += [(c, -5.0) for c in "abcdefghijklmnopqrstuvwxyz0123456789,."]
    T5Tokenizer(vocab=pieces, extra_ids=0).save_pretrained(folder)
    EncodecFeatureExtractor(feature_size=channels, sampling_rate=8000, padding_side="left").save_pretrained(folder)
    return folder
