"""The vocoder against the reference's: pitch, source with the reference's draws, its spectrum, the wave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.golden_files import assert_close, golden_metadata, golden_tensors, part
from tunesmith.families.component import build, fold_weight_norm
from tunesmith.families.step_audio.config import HiftConfig
from tunesmith.families.step_audio.parts.hift import Hift

NAME = "step_audio/hift"


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    return golden_tensors(NAME)[0]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return golden_metadata(NAME)


@pytest.fixture(scope="module")
def hift(tensors, settings) -> Hift:
    config = HiftConfig.from_yaml(json.loads(settings["config"]))
    return build(lambda: Hift(config), fold_weight_norm(part(tensors, "sd")), Path("golden"))


def test_golden_names_and_shapes(hift, settings):
    raw = {name: torch.zeros(shape) for name, shape in json.loads(settings["keys_shapes"]).items()}
    folded = {name: tensor.shape for name, tensor in fold_weight_norm(raw).items()}
    assert folded == {name: tensor.shape for name, tensor in hift.state_dict().items()}
    assert len(raw) > len(folded)


def test_golden_pitch(hift, tensors):
    assert_close("f0", hift.f0_predictor(tensors["mel"]), tensors["f0"], 1e-5)


def test_golden_source(hift, tensors):
    """The reference's first draw, ``rand.0``, is not given: it changes nothing (``HarmonicSource.draw`` says why)."""
    source = hift.m_source(tensors["f0"], tensors["randn.0"])
    assert_close("source", source, tensors["source"][:, 0], 1e-4)


def test_golden_source_spectrum(hift, tensors):
    assert_close("source_stft", hift.source_spectrum(tensors["source"][:, 0]), tensors["source_stft"], 1e-5)


def test_golden_wave(hift, tensors):
    assert_close("wav", hift.decode(tensors["mel"], tensors["source"][:, 0]), tensors["wav"], 1e-4)


def test_golden_wave_from_the_mel_alone(hift, tensors):
    """Own pitch and own source, with the reference's noise."""
    source = hift.m_source(hift.f0_predictor(tensors["mel"]), tensors["randn.0"])
    assert_close("wav", hift.decode(tensors["mel"], source), tensors["wav"], 1e-3)
