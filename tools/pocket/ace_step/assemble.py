"""Puts the pocket ACE-Step's parts together and writes them in the four folders of the published checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tools.pocket.ace_step.corpus import VOCODER_CONFIG
from tools.pocket.ace_step.tokenizers import make_caption_tokenizer, make_lyric_vocabulary, make_text_encoder
from tools.pocket.weights import round_to_half, save_half
from tunesmith.families.ace_step.config import DCAE, TEXT, TRANSFORMER, VOCODER, TransformerConfig
from tunesmith.families.component import DIFFUSERS_WEIGHTS
from tunesmith.files import write_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

LYRIC_VOCABULARY = "lyric_vocab.json"


@dataclass(frozen=True)
class Parts:
    """What is trained, and the two tokenizers in front of it."""

    transformer: AceStepTransformer
    text_encoder: UMT5EncoderModel
    tokenizer: PreTrainedTokenizerFast
    lyric_tokenizer: Tokenizer
    raw_config: dict[str, Any]

    def velocity(
        self,
        noisy: torch.Tensor,
        sigma: torch.Tensor,
        text: torch.Tensor,
        text_mask: torch.Tensor,
        lyrics: torch.Tensor,
        lyric_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Velocity (B, 8, 16, T) at ``sigma`` (B,) of noisy latents, given text states (B, L, D) and lyric ids."""
        speaker = noisy.new_zeros(len(noisy), self.transformer.config.speaker_embedding_dim)
        conditions = self.transformer.encode(text, text_mask, speaker, lyrics, lyric_mask)
        velocity = self.transformer.decode(noisy, 1000 * sigma, conditions)
        assert isinstance(velocity, torch.Tensor)
        return velocity


def transformer_config(lyric_vocabulary: int) -> dict[str, Any]:
    """``ace_step_transformer/config.json``: the published keys, with a fortieth of the published numbers."""
    return {
        "_class_name": "ACEStepTransformer2DModel", "attention_head_dim": 32, "in_channels": 8, "inner_dim": 160,
        "lyric_encoder_vocab_size": lyric_vocabulary, "lyric_hidden_size": 48, "max_height": 16,
        "max_position": 32_768, "max_width": 32_768, "mlp_ratio": 2.5, "num_attention_heads": 5, "num_layers": 5,
        "out_channels": 8, "patch_size": [16, 1], "rope_theta": 1_000_000.0, "speaker_embedding_dim": 16,
        "ssl_encoder_depths": [], "ssl_latent_dims": [], "ssl_names": [], "text_embedding_dim": 64,
        "lyric_encoder": {"output_size": 48, "attention_heads": 2, "linear_units": 96, "num_blocks": 2},
    }  # fmt: skip


def make_parts(seed: int) -> Parts:
    """Transformer, text encoder and both vocabularies, before any training."""
    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

    torch.manual_seed(seed)
    tokenizer, lyric_tokenizer = make_caption_tokenizer(), make_lyric_vocabulary()
    raw = transformer_config(lyric_tokenizer.get_vocab_size())
    transformer = AceStepTransformer(TransformerConfig.from_json(raw))
    initialise(transformer)
    return Parts(transformer, make_text_encoder(len(tokenizer)), tokenizer, lyric_tokenizer, raw)


@torch.no_grad()
def initialise(transformer: nn.Module) -> None:
    """Random weights that keep the variance, with quiet branches and modulation, so that training starts calmly."""
    for name, parameter in transformer.named_parameters():
        if name.endswith("scale_shift_table"):
            parameter.normal_(std=parameter.shape[-1] ** -0.5)
        elif name.endswith("lyric_embs.weight"):
            parameter.normal_()
        elif parameter.dim() > 1:
            quiet = 0.1 if name.startswith(("t_block", "final_layer")) else 0.3 if "to_out" in name else 1.0
            parameter.normal_(std=quiet * parameter[0].numel() ** -0.5)
        elif name.endswith("bias"):
            parameter.zero_()
        else:
            parameter.fill_(1.0)  # scales of norms


def save_folder(parts: Parts, codec: Any, folder: Path) -> None:
    """Write a checkpoint of the published layout, weights in float16; the parts are rounded in place to that.

    Args:
        parts: Transformer, text encoder, vocabularies.
        codec: The ``AutoencoderDC``.
        folder: Exists already.
    """
    write_json(_folder(folder, TRANSFORMER) / "config.json", parts.raw_config)
    _save(parts.transformer, folder / TRANSFORMER / DIFFUSERS_WEIGHTS)
    settings = {name: value for name, value in codec.config.items() if not name.startswith("_")}
    write_json(_folder(folder, DCAE) / "config.json", {"_class_name": "AutoencoderDC", **settings})
    _save(codec, folder / DCAE / DIFFUSERS_WEIGHTS)
    write_json(_folder(folder, VOCODER) / "config.json", VOCODER_CONFIG)
    parts.text_encoder.config.save_pretrained(_folder(folder, TEXT))
    parts.tokenizer.save_pretrained(folder / TEXT)
    _save(parts.text_encoder, folder / TEXT / "model.safetensors")
    parts.lyric_tokenizer.save(str(folder / LYRIC_VOCABULARY), pretty=False)


def _folder(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir(exist_ok=True)
    return path


def _save(module: nn.Module, path: Path) -> None:
    save_half(round_to_half(module).state_dict(), path)
