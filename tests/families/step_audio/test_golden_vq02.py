"""The linguistic tokeniser's encoder and front end against FunASR's, which runs chunk after chunk."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open

from tests.golden_files import assert_close, golden_path, golden_tensors, part
from tunesmith.families.step_audio.config import Vq02Config, known
from tunesmith.families.step_audio.parts.vq02 import Vq02, Vq02Encoder
from tunesmith.families.step_audio.parts.vq02_weights import load_encoder


@pytest.fixture(scope="module")
def tensors():
    return golden_tensors("step_audio/vq02_encoder")[0]


@pytest.fixture(scope="module")
def vq02(tensors):
    with safe_open(golden_path("step_audio/vq02_encoder.safetensors"), "pt") as file:
        encoder = Vq02Encoder(known(Vq02Config, json.loads(file.metadata()["config"])))
    encoder.load_state_dict(part(tensors, "sd.encoder"))
    return Vq02(encoder.eval(), tensors["cmvn"], torch.eye(encoder.config.output_size))


def utterances(tensors) -> list[str]:
    return sorted(name.removesuffix(".wav16") for name in tensors if name.endswith(".wav16"))


def test_golden_features(tensors, vq02):
    for name in utterances(tensors):
        features = vq02.features(tensors[f"{name}.wav16"])[None]
        assert_close(name, features, tensors[f"{name}.lfr_feats"])
        assert features.shape[1] == tensors[f"{name}.chunk_lens"].sum()


@torch.no_grad()
def test_golden_encoder(tensors, vq02):
    for name in utterances(tensors):
        assert_close(name, vq02.encoder(tensors[f"{name}.lfr_feats"][0])[None], tensors[f"{name}.enc_out"])
        whole = vq02.encoder(vq02.features(tensors[f"{name}.wav16"]))
        assert_close(name, whole[None], tensors[f"{name}.enc_out"])


@torch.no_grad()
@pytest.mark.parametrize("nested", [False, True])
def test_golden_encoder_from_a_whole_paraformer(tensors, vq02, tmp_path, nested):
    """``model.pt`` holds a predictor and a decoder as well."""
    state = {
        **part(tensors, "sd"),
        "decoder.embed.0.weight": torch.zeros(2),
        "predictor.cif_output.bias": torch.ones(1),
    }
    torch.save({"state_dict": state} if nested else state, tmp_path / "model.pt")
    encoder = load_encoder(tmp_path / "model.pt", vq02.encoder.config)
    name = utterances(tensors)[0]
    assert_close(name, encoder(tensors[f"{name}.lfr_feats"][0])[None], tensors[f"{name}.enc_out"])
