"""The two ONNX front ends on small networks with the published inputs and outputs, and their files when wrong."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from tests.families.step_audio.onnx_files import semantic as semantic_file
from tests.families.step_audio.onnx_files import speaker as speaker_file
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.parts.campplus import CamPlus
from tunesmith.families.step_audio.parts.fbank import kaldi_fbank
from tunesmith.families.step_audio.parts.vq06 import Vq06
from tunesmith.families.step_audio.parts.whisper_mel import whisper_log_mel

IDS = TokenIds(vq02=8, vq06=300)
RATE = 16_000
VECTOR = 12


def semantic(file, *, every: int = 4, top: float = IDS.vq06 - 1):
    return semantic_file(file, top=top, every=every)


def speaker(file):
    return speaker_file(file, width=VECTOR)


def noise(samples: int, seed: int = 0) -> torch.Tensor:
    level = torch.linspace(0.01, 0.3, samples)
    return level * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def expected(piece: torch.Tensor) -> np.ndarray:
    level = whisper_log_mel(piece, 128).mean(0)[::4].clip(0, 1)
    return np.trunc(level.numpy() * np.float32(IDS.vq06 - 1))


@pytest.fixture(scope="module")
def vq06(tmp_path_factory):
    return Vq06(semantic(tmp_path_factory.mktemp("onnx") / "speech_tokenizer_v1.onnx"), IDS)


def test_semantic_codes_25_a_second(vq06):
    for samples in (RATE, RATE + 639, 3 * RATE + 77, 480):
        codes = vq06.codes(noise(samples).numpy())
        assert codes.dtype == np.int64
        assert abs(len(codes) - 25 * samples / RATE) <= 2
        assert np.abs(codes - expected(noise(samples))).max() <= 1
    assert len(set(vq06.codes(noise(RATE)).tolist())) > 3


def test_longer_audio_is_heard_in_pieces_of_30_seconds(vq06):
    wave = noise(70 * RATE)
    codes = vq06.codes(wave)
    pieces = [vq06.codes(piece) for piece in wave.split(30 * RATE)]
    assert np.array_equal(codes, np.concatenate(pieces))
    assert len(codes) == 70 * 25
    assert np.array_equal(vq06.codes(wave[: 30 * RATE + 479]), pieces[0])
    assert len(vq06.codes(wave[:479])) == 0


def test_codes_for_another_duration_or_outside_the_book(tmp_path):
    with pytest.raises(TunesmithError, match=r"gave 50 codes for 1\.00 s instead of 25 a second"):
        Vq06(semantic(tmp_path / "double.onnx", every=2), IDS).codes(noise(RATE))
    with pytest.raises(TunesmithError, match="outside 0 to 299"):
        Vq06(semantic(tmp_path / "large.onnx", top=5000.0), IDS).codes(noise(RATE))


def test_speaker_vector_is_that_of_features_less_their_mean(tmp_path):
    file, weights = speaker(tmp_path / "campplus.onnx")
    cam = CamPlus(file, VECTOR)
    wave = noise(RATE)
    features = kaldi_fbank(wave, n_mels=80, window="povey").numpy()
    vector = cam.vector(wave)
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector, features.std(0) @ weights, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(cam.vector(0.25 * wave), vector, atol=1e-3)
    assert not np.allclose(cam.vector(noise(RATE, seed=1)), vector, atol=1e-2)


def test_speaker_vector_of_too_little_audio_or_another_width(tmp_path):
    file, _ = speaker(tmp_path / "campplus.onnx")
    assert CamPlus(file, VECTOR).vector(noise(400)).shape == (VECTOR,)
    with pytest.raises(TunesmithError, match="needs 25 ms of audio, this has 5 ms"):
        CamPlus(file, VECTOR).vector(noise(80))
    with pytest.raises(TunesmithError, match="has 12 numbers, the flow takes 192"):
        CamPlus(file, 192).vector(noise(RATE))


def test_missing_files_say_where_they_come_from(tmp_path):
    with pytest.raises(TunesmithError) as caught:
        Vq06(tmp_path / "speech_tokenizer_v1.onnx", IDS)
    for said in (str(tmp_path), "stepfun-ai/Step-Audio-Tokenizer", "520 MB", "Apache-2.0"):
        assert said in str(caught.value)
    with pytest.raises(TunesmithError) as caught:
        CamPlus(tmp_path / "campplus.onnx", VECTOR)
    for said in ("CosyVoice-300M-25Hz/campplus.onnx", "stepfun-ai/Step-Audio-EditX", "28 MB"):
        assert said in str(caught.value)


def test_files_that_are_something_else(tmp_path):
    broken = tmp_path / "campplus.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(TunesmithError, match=r"campplus\.onnx: The speaker encoder CAM\+\+ cannot be loaded"):
        CamPlus(broken, VECTOR)
    with pytest.raises(TunesmithError, match="has 2 inputs"):
        CamPlus(semantic(tmp_path / "swapped.onnx"), VECTOR)
    other, _ = speaker(tmp_path / "speech_tokenizer_v1.onnx")
    with pytest.raises(TunesmithError, match="has 1 inputs"):
        Vq06(other, IDS)


def test_an_input_that_the_network_refuses(tmp_path, vq06):
    with pytest.raises(TunesmithError, match="refused its input"):
        vq06._session(np.zeros((1, 3, 10), np.float32), np.array([10], np.int32))


def test_missing_library_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(TunesmithError, match=r'pip install "tunesmith\[step-audio\]"'):
        Vq06(semantic(tmp_path / "speech_tokenizer_v1.onnx"), IDS)
