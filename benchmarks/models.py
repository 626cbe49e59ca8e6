"""MusicGen checkpoints of random weights, at any size, in the published format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = [
    "trap",
    "808",
    "beat",
    "dark",
    "slow",
    "house",
    "pads",
    "bpm",
    "piano",
    "drums",
    "warm",
    "guitar",
    "with",
    "140",
]


@dataclass(frozen=True)
class Sizes:
    """Sizes of decoder and text encoder; the codec is the 32 kHz one, whole or a stand-in of a few filters.

    Attributes:
        text_width: T5's width; its other sizes keep T5-base's proportions.
        real_codec: Whether the codec has its real 57 M parameters.
    """

    layers: int
    width: int
    heads: int = 16
    vocab: int = 2048
    codebooks: int = 4
    text_layers: int = 12
    text_width: int = 768
    text_vocab: int = 32_128
    real_codec: bool = False


SMALL = Sizes(24, 1024, real_codec=True)
MEDIUM = Sizes(48, 1536, heads=24, real_codec=True)


def config(sizes: Sizes, dropout: float = 0.1) -> Any:
    """A ``MusicgenConfig``; dropout 0.1 is what the published configs say."""
    from transformers import EncodecConfig, MusicgenConfig, MusicgenDecoderConfig, T5Config

    text = T5Config(
        vocab_size=sizes.text_vocab,
        d_model=sizes.text_width,
        d_kv=64,
        d_ff=4 * sizes.text_width,
        num_layers=sizes.text_layers,
        num_heads=sizes.text_width // 64,
        is_encoder_decoder=False,
        use_cache=False,
    )
    codec = EncodecConfig(
        target_bandwidths=[2.2],
        sampling_rate=32_000,
        normalize=False,
        codebook_size=sizes.vocab,
        codebook_dim=128 if sizes.real_codec else 16,
        hidden_size=128 if sizes.real_codec else 16,
        num_filters=64 if sizes.real_codec else 2,
        upsampling_ratios=[8, 5, 4, 4],
        use_causal_conv=False,
        use_conv_shortcut=False,
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=sizes.vocab,
        num_hidden_layers=sizes.layers,
        ffn_dim=4 * sizes.width,
        num_attention_heads=sizes.heads,
        hidden_size=sizes.width,
        num_codebooks=sizes.codebooks,
        dropout=dropout,
        pad_token_id=sizes.vocab,
        bos_token_id=sizes.vocab,
    )
    decoder.decoder_start_token_id = sizes.vocab
    return MusicgenConfig(text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict())


def write_checkpoint(folder: Path, sizes: Sizes, seed: int = 0) -> Path:
    """Write a random checkpoint with tokenizer and feature extractor to ``folder``."""
    import torch
    from transformers import EncodecFeatureExtractor, MusicgenForConditionalGeneration, T5Tokenizer

    torch.manual_seed(seed)
    model: Any = MusicgenForConditionalGeneration(config(sizes)).eval()
    with torch.no_grad():  # a fresh codec's books are all zero, which would make every clip the same code
        for layer in model.audio_encoder.quantizer.layers:
            layer.codebook.embed.normal_()
    generation = model.generation_config
    generation.decoder_start_token_id = generation.pad_token_id = generation.bos_token_id = sizes.vocab
    model.save_pretrained(folder)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)] + [("▁" + w, -1.0) for w in WORDS]
    pieces += [(c, -5.0) for c in "abcdefghijklmnopqrstuvwxyz0123456789,."]
    T5Tokenizer(vocab=pieces, extra_ids=0).save_pretrained(folder)
    EncodecFeatureExtractor(feature_size=1, sampling_rate=32_000, padding_side="left").save_pretrained(folder)
    return folder
