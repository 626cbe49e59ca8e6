"""Loads one component of a MusicGen checkpoint at a time, so that T5 and EnCodec never enter the training process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.adapters.tensors import opened_tensors, read_pickled
from tunesmith.errors import TunesmithError
from tunesmith.families.component import misfit_message
from tunesmith.families.musicgen import attention
from tunesmith.families.musicgen.config import MusicGenConfig
from tunesmith.families.musicgen.source import weight_files
from tunesmith.families.tokenizer import read_tokenizer
from tunesmith.texts import msg

# Rebuilt from the sizes at load; older checkpoints carry them as tensors.
_REBUILT = ("embed_positions.weights",)


class TrainedPart(nn.Module):
    """The decoder and the projection of text states: what MusicGen trains.

    Attribute names are those of ``MusicgenForConditionalGeneration``, so that adapter keys are the same and plain PEFT
    loads the adapter on the whole model.
    """

    def __init__(self, config: MusicGenConfig) -> None:
        from transformers import MusicgenConfig, MusicgenForCausalLM

        super().__init__()
        # The hub configs say dropout 0.1, a class default: the checkpoints were trained with 0 (AudioCraft
        # config/model/lm/default.yaml). Modules copy it when they are built, so it has to be zero before.
        model_config = MusicgenConfig(**{k: v for k, v in without_dropout(config.raw).items() if k != "model_type"})
        decoder: Any = model_config.decoder
        decoder.decoder_start_token_id = decoder.pad_token_id = decoder.bos_token_id = config.pad
        attention.register()
        decoder._attn_implementation = attention.NAME
        self.decoder = MusicgenForCausalLM(decoder)
        if config.text_size != config.hidden_size:
            self.enc_to_dec_proj = nn.Linear(config.text_size, config.hidden_size)

    def project(self, text_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
        """Text states in the decoder's width, zero where the mask is zero (the null condition is all zeros)."""
        if hasattr(self, "enc_to_dec_proj"):
            projected = self.enc_to_dec_proj(text_BLD.to(next(self.enc_to_dec_proj.parameters()).dtype))
        else:
            projected = text_BLD.to(next(self.decoder.parameters()).dtype)
        states: torch.Tensor = projected * mask_BL[..., None].to(projected.dtype)
        return states


def without_dropout(raw: dict[str, Any]) -> dict[str, Any]:
    """A copy of a checkpoint's config with every dropout of decoder and T5 at zero."""
    zero = {"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "layerdrop": 0.0}
    return {**raw, "decoder": {**raw["decoder"], **zero}, "text_encoder": {**raw["text_encoder"], "dropout_rate": 0.0}}


def load_trained_part(folder: Path, config: MusicGenConfig, *, meta: bool = False) -> TrainedPart:
    """The decoder with its weights (fp32, CPU, frozen), or its shapes alone on the meta device."""
    with torch.device("meta"):
        part = TrainedPart(config)
    if not meta:
        fill(part, folder, {"decoder.": "decoder.", "enc_to_dec_proj.": "enc_to_dec_proj."})
        rebuild_positions(part)
    part.requires_grad_(False)
    return part.eval()


def load_text_encoder(folder: Path, config: MusicGenConfig) -> tuple[nn.Module, Any]:
    """The frozen T5 encoder in eval mode, and its tokenizer."""
    from transformers import T5Config, T5EncoderModel

    raw = {k: v for k, v in without_dropout(config.raw)["text_encoder"].items() if k != "model_type"}
    encoder = T5EncoderModel(T5Config(**raw))
    fill(encoder, folder, {"text_encoder.": ""}, tied=("encoder.embed_tokens.weight",))
    encoder.encoder.embed_tokens.weight = encoder.shared.weight
    encoder.requires_grad_(False)
    return encoder.eval(), read_tokenizer(folder)


def load_codec(folder: Path, config: MusicGenConfig) -> nn.Module:
    """The frozen EnCodec in eval mode."""
    from transformers import EncodecConfig, EncodecModel

    raw = {k: v for k, v in config.raw["audio_encoder"].items() if k != "model_type"}
    codec = EncodecModel(EncodecConfig(**raw))
    fill(codec, folder, {"audio_encoder.": ""})
    codec.requires_grad_(False)
    frozen: nn.Module = codec.eval()
    return frozen


def fill(module: nn.Module, folder: Path, prefixes: dict[str, str], tied: tuple[str, ...] = ()) -> None:
    """Load the tensors under ``prefixes`` (checkpoint prefix to module prefix) into ``module``.

    Raises:
        TunesmithError: naming the tensors that are missing, left over or of another shape.
    """
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    state: dict[str, torch.Tensor] = {}
    left_over: list[str] = []
    for name, tensor in read_tensors(folder, tuple(prefixes)):
        target = _rename(name, prefixes)
        if target in expected:
            state[target] = tensor.float() if tensor.is_floating_point() else tensor
        elif not target.endswith(_REBUILT):
            left_over.append(name)
    missing = [name for name in expected if name not in state and name not in tied]
    misshapen = [name for name, tensor in state.items() if tensor.shape != expected[name]]
    misfit = misfit_message(missing, misshapen, unknown=left_over)
    if misfit:
        raise TunesmithError(misfit, where=str(folder), remedy=msg("Download the checkpoint again."))
    module.load_state_dict(state, strict=False, assign=True)


def _rename(name: str, prefixes: dict[str, str]) -> str:
    for old, new in prefixes.items():
        if name.startswith(old):
            name = new + name[len(old) :]
            break
    # Checkpoints written before torch's parametrised weight norm use its two older names.
    name = name.replace(".weight_g", ".parametrizations.weight.original0")
    return name.replace(".weight_v", ".parametrizations.weight.original1")


def read_tensors(folder: Path, prefixes: tuple[str, ...]) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors of a checkpoint folder whose names begin with one of ``prefixes``.

    Reads ``model.safetensors`` (one file or shards) or ``pytorch_model.bin`` (``weights_only``).
    """
    for file in weight_files(folder):
        if file.suffix == ".safetensors":
            with opened_tensors(file) as tensors:
                for name in tensors.keys():  # noqa: SIM118 - not a mapping
                    if name.startswith(prefixes):
                        yield name, tensors.get_tensor(name)
        else:
            for name, tensor in read_pickled(file).items():
                if name.startswith(prefixes):
                    yield name, tensor


def rebuild_positions(part: TrainedPart) -> None:
    """Make the table of positions, which no checkpoint has to hold, on the CPU."""
    positions = part.decoder.model.decoder.embed_positions
    del positions.weights
    positions.make_weights(positions.num_positions, positions.embedding_dim)
