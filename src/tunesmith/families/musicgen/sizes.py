"""Parameter counts from the config alone, so that planning needs neither torch nor weights."""

from __future__ import annotations

from tunesmith.families.musicgen.config import MusicGenConfig


def decoder_parameters(config: MusicGenConfig) -> int:
    """Parameters of decoder and text projection.

    A block has two attentions (4 H²), a feed-forward (2 H F) and three layer norms (6 H); embeddings have V + 1 rows.
    """
    h, f, v, k = config.hidden_size, config.ffn_dim, config.vocab_size, config.num_codebooks
    blocks = config.layers * (8 * h * h + 2 * h * f + 6 * h)
    projection = config.text_size * h + h if config.text_size != h else 0
    return blocks + 2 * h + k * (v + 1) * h + k * v * h + projection


def parameter_count(config: MusicGenConfig) -> tuple[int, int]:
    """Parameters of the trained part and of the whole checkpoint (T5 and EnCodec counted on the meta device)."""
    import torch
    from transformers import EncodecConfig, EncodecModel, T5Config, T5EncoderModel

    trained = decoder_parameters(config)
    with torch.device("meta"):
        text = {k: v for k, v in config.raw["text_encoder"].items() if k != "model_type"}
        codec = {k: v for k, v in config.raw["audio_encoder"].items() if k != "model_type"}
        frozen = (T5EncoderModel(T5Config(**text)), EncodecModel(EncodecConfig(**codec)))
    return trained, trained + sum(p.numel() for module in frozen for p in module.parameters())
