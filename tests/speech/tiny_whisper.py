"""A Whisper of random weights in a folder, as transformers saves it."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|translate|>", "<|transcribe|>",
           "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")  # fmt: skip
TIMES = tuple(f"<|{0.02 * i:.2f}|>" for i in range(1501))


def save(folder: Path, seed: int = 0, positions: int = 64) -> Path:
    """Weights, tokenizer and feature extractor; its transcripts are gibberish, always the same for a seed."""
    vocab = {letter: i for i, letter in enumerate(ascii_lowercase)}
    letters = len(vocab)
    vocab |= {name: letters + i for i, name in enumerate((*SPECIAL, *TIMES))}
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[], language="en", task="transcribe")
    tokenizer.add_special_tokens({"additional_special_tokens": [*SPECIAL[1:], *TIMES]})
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    config = WhisperConfig(
        vocab_size=len(tokenizer), num_mel_bins=80, d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
        max_target_positions=positions, bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"], decoder_start_token_id=ids["<|startoftranscript|>"],
    )  # fmt: skip
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        model.proj_out.weight[:letters].normal_(0, 1.0)  # so that it says letters, and different ones by what it hears
    settings = {
        "is_multilingual": True,
        "lang_to_id": {"<|en|>": ids["<|en|>"], "<|zh|>": ids["<|zh|>"]},
        "task_to_id": {"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "max_initial_timestamp_index": 50,
        "max_length": 24,
        "suppress_tokens": [i for i in range(len(tokenizer)) if letters < i < len(tokenizer) - len(TIMES)],
        "begin_suppress_tokens": [ids["<|endoftext|>"]],
    }
    token_ids = {name: getattr(config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id",
                                                          "decoder_start_token_id")}  # fmt: skip
    model.generation_config = GenerationConfig(**settings, **token_ids)
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    return folder
