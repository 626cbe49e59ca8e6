"""A merged model that transformers loads without PEFT and without Tunesmith."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.families.musicgen.config import MusicGenConfig
from tunesmith.files import atomic_folder


def export_merged(source: Path, config: MusicGenConfig, network: nn.Module, folder: Path) -> None:
    """Write ``folder`` in the published format: the whole model, tokenizer and feature extractor.

    Args:
        source: The base checkpoint's folder.
        config: Its sizes.
        network: The trained part with adapters attached; it is left as it is.
        folder: Where to write; replaced as a whole once complete.
    """
    from transformers import AutoProcessor, MusicgenForConditionalGeneration

    merged: Any = copy.deepcopy(network).to("cpu", torch.float32)
    if hasattr(merged, "merge_and_unload"):
        merged = merged.merge_and_unload()
    model: Any = MusicgenForConditionalGeneration.from_pretrained(source, dtype=torch.float32, local_files_only=True)
    state = {f"decoder.{k}": v for k, v in merged.decoder.state_dict().items()}
    if hasattr(merged, "enc_to_dec_proj"):
        state |= {f"enc_to_dec_proj.{k}": v for k, v in merged.enc_to_dec_proj.state_dict().items()}
    unexpected = model.load_state_dict(state, strict=False).unexpected_keys
    if unexpected:
        raise RuntimeError(f"merged tensors without a place: {unexpected[:3]}")
    # transformers 5 no longer has a default for it, and neither training nor generation works without.
    model.config.decoder.decoder_start_token_id = config.pad
    model.generation_config.decoder_start_token_id = config.pad
    processor = AutoProcessor.from_pretrained(source, local_files_only=True)
    with atomic_folder(folder) as temporary:
        model.save_pretrained(temporary)
        processor.save_pretrained(temporary)
