"""ACE-Step v1 checkpoints of random weights in the published layout: any transformer, frozen parts of their real sizes.

Sources of the sizes: the published ``config.json`` of each part; ``HubertModel`` of HuBERT-large's and -base's shapes
stands for MERT-v1-330M and mHuBERT-147.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tunesmith.families.ace_step.config import (
    DCAE,
    TEXT,
    TRANSFORMER,
    VOCODER,
    AceStepConfig,
    LyricEncoderConfig,
    TransformerConfig,
)
from tunesmith.families.component import DIFFUSERS_WEIGHTS
from tunesmith.files import write_json

TAGS = "trap, dark, slow, house, pads, piano, drums, warm, guitar, strings, bass, synth"
"""Twelve tags: 24 tokens with their commas and the end mark."""

_RESIDUAL, _ATTENTION = ["ResBlock"] * 3, ["EfficientViTBlock"]
DCAE_CONFIG: dict[str, Any] = {
    "_class_name": "AutoencoderDC",
    "in_channels": 2,
    "latent_channels": 8,
    "attention_head_dim": 32,
    "encoder_block_types": _RESIDUAL + _ATTENTION,
    "decoder_block_types": _RESIDUAL + _ATTENTION,
    "encoder_block_out_channels": [128, 256, 512, 1024],
    "decoder_block_out_channels": [128, 256, 512, 1024],
    "encoder_layers_per_block": [2, 2, 3, 3],
    "decoder_layers_per_block": [3, 3, 3, 3],
    "encoder_qkv_multiscales": [[], [], [5], [5]],
    "decoder_qkv_multiscales": [[], [], [5], [5]],
    "upsample_block_type": "interpolate",
    "downsample_block_type": "Conv",
    "decoder_norm_types": "rms_norm",
    "decoder_act_fns": "silu",
    "scaling_factor": 0.41407,
}
MEL_CONFIG: dict[str, Any] = {
    "sampling_rate": 44_100,
    "n_fft": 2048,
    "win_length": 2048,
    "hop_length": 512,
    "n_mels": 128,
    "f_min": 40,
    "f_max": 16_000,
}
TEXT_CONFIG: dict[str, Any] = {
    "vocab_size": 256_384,
    "d_model": 768,
    "d_kv": 64,
    "d_ff": 2048,
    "num_layers": 12,
    "num_heads": 12,
    "feed_forward_proj": "gated-gelu",
    "dropout_rate": 0.0,
    "is_encoder_decoder": False,
    "use_cache": False,
}
_NO_MASKS = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
SSL_CONFIGS: dict[str, dict[str, Any]] = {
    "mert": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "feat_extract_norm": "layer",
        "conv_bias": True,
        "do_stable_layer_norm": True,
        **_NO_MASKS,
    },
    "m-hubert": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        **_NO_MASKS,
    },
}


def transformer_config(layers: int = 24, width: int = 2560) -> TransformerConfig:
    """The published transformer, or one of fewer layers and less width with the same heads (128) and lyric encoder.

    The projection losses read the frames a third of the way up, as in the published one (block 8 of 24).
    """
    return TransformerConfig(
        num_layers=layers,
        inner_dim=width,
        num_attention_heads=width // 128,
        ssl_encoder_depths=(layers // 3, layers // 3),
    )


def tiny_config() -> TransformerConfig:
    """A transformer of two layers for dry runs and tests, its lyric encoder small as well."""
    lyrics = LyricEncoderConfig(output_size=64, attention_heads=2, linear_units=128, num_blocks=1)
    return TransformerConfig(
        num_layers=2, inner_dim=256, num_attention_heads=2, lyric_hidden_size=64, lyric_encoder=lyrics
    )


def checkpoint_config(transformer: TransformerConfig) -> AceStepConfig:
    """The four parts' configs."""
    return AceStepConfig(transformer, DCAE_CONFIG, MEL_CONFIG, TEXT_CONFIG)


def random_tensors(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """bf16 weights that keep the variance of what goes through; biases 0, scales of norms 1."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            tensor = torch.randn(shape, generator=generator)
            tensor *= tensor[0].numel() ** -0.5
        else:
            tensor = torch.full(shape, 0.0 if name.endswith("bias") else 1.0)
        tensors[name] = tensor.bfloat16()
    return tensors


def write_configs(folder: Path, config: AceStepConfig) -> Path:
    """The four folders with their configs and no weights."""
    transformer = {key: value for key, value in vars(config.transformer).items() if key != "lyric_encoder"}
    transformer |= {"_class_name": "ACEStepTransformer2DModel", "max_position": 32_768, "max_width": 32_768}
    parts = {TRANSFORMER: transformer, DCAE: config.dcae, VOCODER: config.vocoder, TEXT: config.text}
    for name, values in parts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_json(folder / name / "config.json", values)
    return folder


def write_transformer(folder: Path, config: TransformerConfig) -> None:
    """The transformer's file, with the layers that nothing reads and the projectors, as published."""
    from tunesmith.families.ace_step.parts.weights import manifest

    _save(folder / TRANSFORMER / DIFFUSERS_WEIGHTS, random_tensors(manifest(config)))


def write_checkpoint(folder: Path, config: AceStepConfig) -> Path:
    """A random checkpoint; its vocoder is the mel front end alone, since training decodes nothing."""
    from transformers import UMT5Config, UMT5EncoderModel

    from tools.pocket.ace_step.tokenizers import make_caption_tokenizer
    from tunesmith.audio.log_mel import LogMel
    from tunesmith.families.ace_step.parts.dcae import make_dcae

    write_configs(folder, config)
    write_transformer(folder, config.transformer)
    mel = {f"mel_transform.{name}": tensor for name, tensor in LogMel(config.vocoder).state_dict().items()}
    _save(folder / VOCODER / DIFFUSERS_WEIGHTS, mel)
    with torch.device("meta"):
        dcae, text = make_dcae(config.dcae), UMT5EncoderModel(UMT5Config(**config.text))
    _save(folder / DCAE / DIFFUSERS_WEIGHTS, random_tensors(_shapes(dcae)))
    shapes = _shapes(text)
    shapes.pop("encoder.embed_tokens.weight", None)  # the embedding's second name
    _save(folder / TEXT / "model.safetensors", random_tensors(shapes))
    make_caption_tokenizer().save_pretrained(folder / TEXT)
    return folder


def write_ssl_models(folder: Path) -> tuple[str, str]:
    """MERT's and mHuBERT's stand-ins, each in a folder of its own; their paths."""
    from transformers import HubertConfig, HubertModel

    paths = []
    for name, settings in SSL_CONFIGS.items():
        with torch.device("meta"):
            model = HubertModel(HubertConfig(**settings))
        (folder / name).mkdir(parents=True, exist_ok=True)
        model.config.save_pretrained(folder / name)
        _save(folder / name / "model.safetensors", random_tensors(_shapes(model)))
        paths.append(str(folder / name))
    return paths[0], paths[1]


def _shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _save(file: Path, tensors: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save_file

    save_file(tensors, file, metadata={"format": "pt"})
