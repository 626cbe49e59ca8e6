"""Puts codec, text encoder and decoder into one MusicGen, in the layout of the published checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.pocket.musicgen.induction_init import write_head_start
from tools.pocket.weights import round_to_half, save_half

if TYPE_CHECKING:
    from transformers import EncodecModel, MusicgenForConditionalGeneration, T5Tokenizer


def assemble(
    codec: EncodecModel, tokenizer: T5Tokenizer, *, width: int = 192, layers: int = 4, heads: int = 4
) -> MusicgenForConditionalGeneration:
    """A MusicGen around ``codec`` that has not been trained; dropout is 0, as at Meta's training."""
    from transformers import MusicgenConfig, MusicgenDecoderConfig, MusicgenForConditionalGeneration, T5Config

    size = codec.config.codebook_size
    text = T5Config(
        vocab_size=len(tokenizer), d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, dropout_rate=0.0,
        is_encoder_decoder=False, use_cache=False,
    )  # fmt: skip
    start: dict[str, Any] = {"decoder_start_token_id": size}  # not a field of its own in recent releases, but kept
    decoder = MusicgenDecoderConfig(
        vocab_size=size, hidden_size=width, ffn_dim=4 * width, num_hidden_layers=layers, num_attention_heads=heads,
        num_codebooks=codec.config.num_quantizers, dropout=0.0, max_position_embeddings=2048, pad_token_id=size,
        bos_token_id=size, **start,
    )  # fmt: skip
    configs = {"text_encoder": text, "audio_encoder": codec.config, "decoder": decoder}
    parts: dict[str, Any] = {name: config.to_dict() for name, config in configs.items()}
    model = MusicgenForConditionalGeneration(MusicgenConfig(**parts))
    model.audio_encoder.load_state_dict(codec.state_dict())
    write_head_start(model)
    generation = model.generation_config
    generation.pad_token_id = generation.bos_token_id = generation.decoder_start_token_id = size
    generation.do_sample, generation.guidance_scale, generation.top_k = True, 3.0, 250
    generation.max_length = 1500
    return model


def save_folder(model: MusicgenForConditionalGeneration, tokenizer: T5Tokenizer, folder: Path) -> None:
    """Write the files that ``from_pretrained`` needs, weights in float16 to halve the download.

    The model is rounded in place, so that it stays what was stored.
    """
    from safetensors.torch import load_file
    from transformers import EncodecFeatureExtractor, MusicgenProcessor

    codec: Any = model.audio_encoder.config
    round_to_half(model)
    model.save_pretrained(folder)
    extractor = EncodecFeatureExtractor(feature_size=1, sampling_rate=codec.sampling_rate, padding_side="left")
    MusicgenProcessor(extractor, tokenizer).save_pretrained(folder)
    extractor.save_pretrained(folder)
    weights = folder / "model.safetensors"
    save_half(load_file(weights), weights)
