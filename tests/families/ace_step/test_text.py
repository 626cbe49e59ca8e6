"""The text encoder beyond the golden values."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.golden_files import golden_path
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import MAX_PROMPT_TOKENS, read_config
from tunesmith.families.ace_step.parts.text_encoder import TextEncoder, load_umt5


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    folder = golden_path("ace_step/tiny_checkpoint")
    return TextEncoder(folder, read_config(folder), "cpu")


def test_a_text_alone_decides_its_states(encoder):
    together = encoder.states(["pop", "rock , sad , piano , 120 bpm"])
    np.testing.assert_array_equal(together[0], encoder.states(["pop"])[0])
    assert together[1].shape[0] > together[0].shape[0] == 2  # the word and the end mark


def test_long_texts_are_cut_where_training_cut_them(encoder):
    text = "pop " * 300
    assert encoder.states([text])[0].shape[0] == MAX_PROMPT_TOKENS
    assert encoder.tokens(text) == 301


@pytest.mark.parametrize(
    ("text", "share"), [("pop , rock", 0.0), ("pop zzzz", 4 / 7), ("流行", 1.0), ("", 0.0), ("  ", 0.0)]
)
def test_share_of_unknown_letters(encoder, text, share):
    assert encoder.unk_ratio(text) == pytest.approx(share)


def test_asking_for_tokens_loads_no_weights():
    folder = golden_path("ace_step/tiny_checkpoint")
    encoder = TextEncoder(folder, read_config(folder), "cpu")
    encoder.unk_ratio("pop")
    assert "encoder" not in vars(encoder)


def test_a_short_encoder_weakens_its_last_two_layers():
    folder = golden_path("ace_step/tiny_checkpoint")
    config = read_config(folder)
    short = TextEncoder(folder, config, "cpu")
    short.encoder.encoder.block = short.encoder.encoder.block[:4]
    assert abs(short.weak_states(["rock , sad"])[0] - short.states(["rock , sad"])[0]).max() > 1e-5


@pytest.mark.parametrize("names", [("shared.weight",), ("encoder.embed_tokens.weight",)])
def test_the_shared_embedding_loads_under_either_name(tmp_path, names):
    source = golden_path("ace_step/tiny_checkpoint/umt5-base")
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(source / "model.safetensors")
    embedding = tensors.pop("shared.weight", None)
    embedding = tensors.pop("encoder.embed_tokens.weight", embedding)
    save_file({**tensors, **dict.fromkeys(names, embedding)}, tmp_path / "model.safetensors")
    model = load_umt5(tmp_path, config)
    assert torch.equal(model.encoder.embed_tokens.weight, embedding)
    assert model.shared.weight is model.encoder.embed_tokens.weight


def test_the_published_encoder_has_282_million_parameters():
    from transformers import UMT5Config, UMT5EncoderModel

    published = UMT5Config(vocab_size=256_384, d_model=768, d_kv=64, d_ff=2048, num_layers=12, num_heads=12,
                           feed_forward_proj="gated-gelu")  # fmt: skip
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in UMT5EncoderModel(published).parameters()) == 281_861_376


def test_a_missing_layer_is_named(tmp_path):
    source = golden_path("ace_step/tiny_checkpoint/umt5-base")
    shutil.copytree(source, tmp_path / "umt5-base")
    config = json.loads((source / "config.json").read_text())
    with pytest.raises(TunesmithError, match=r"missing .*block\.10"):
        load_umt5(tmp_path / "umt5-base", {**config, "num_layers": config["num_layers"] + 1})
