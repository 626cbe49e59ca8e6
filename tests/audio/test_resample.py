"""Rates and channels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tunesmith.audio.resample import resample, to_channels
from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError


def test_a_tone_keeps_its_pitch_and_level():
    time = np.arange(44_100) / 44_100
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)[None]
    out = resample(tone, 44_100, 32_000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(32_000) / 32_000)
    assert out.shape == (1, 32_000) and out.dtype == np.float32
    np.testing.assert_allclose(out[0, 500:-500], expected[500:-500], atol=1e-3)


def test_what_lies_above_the_new_band_is_gone():
    time = np.arange(44_100) / 44_100
    tone = np.sin(2 * np.pi * 15_000 * time).astype(np.float32)[None]
    assert np.abs(resample(tone, 44_100, 16_000)[0, 500:-500]).max() < 1e-3


@pytest.mark.parametrize("rate", [1_000, 384_000])
def test_odd_rates_work(rate):
    assert resample(np.zeros((2, rate), np.float32), rate, 32_000).shape == (2, 32_000)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(TunesmithError, match="positive"):
        resample(np.zeros((1, 10), np.float32), 0, 32_000)


def test_channels_are_mixed_and_doubled():
    stereo = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    np.testing.assert_array_equal(to_channels(stereo, 1), [[0.5, 0.5]])
    np.testing.assert_array_equal(to_channels(stereo[:1], 2), [[1.0, 0.0]] * 2)
    np.testing.assert_array_equal(to_channels(np.ones((6, 2), np.float32), 2), np.ones((2, 2)))
    assert to_channels(stereo, 2) is stereo


def test_load_brings_a_span_to_the_model(tmp_path):
    save(tmp_path / "a.wav", phrase(1, 3.0, 44_100), 44_100)
    audio = load(AudioRef(str(tmp_path / "a.wav"), 0.5, 2.0), 32_000, 2)
    assert audio.shape == (2, 48_000)
    np.testing.assert_array_equal(audio[0], audio[1])
