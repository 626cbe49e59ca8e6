from __future__ import annotations

import numpy as np
import pytest

from tools.pocket.sound import Sound, average, measure

RATE = 16000
TIME = np.arange(6 * RATE) / RATE


def test_a_fade_and_silence_are_seen() -> None:
    tone = np.sin(2 * np.pi * 440 * TIME)
    fading = measure(tone * 10 ** (-6 * TIME / 20), RATE)
    assert fading.level_slope == pytest.approx(-6.0, abs=0.2)
    assert measure(np.where(TIME < 3, tone, 0), RATE).silent_share == pytest.approx(0.5, abs=0.02)


def test_noise_is_told_from_tones_whatever_its_colour() -> None:
    noise = np.random.default_rng(0).standard_normal(len(TIME))
    red = np.cumsum(noise)
    red -= np.convolve(red, np.ones(401) / 401, mode="same")
    chord = sum(np.sin(2 * np.pi * f * TIME) for f in (220, 277, 330, 1000))
    assert measure(noise, RATE).noisiness > 0.53
    assert measure(red, RATE).noisiness > 0.53
    assert measure(np.asarray(chord), RATE).noisiness < 0.3


def test_sub_bass_share_and_centroid_follow_the_tone() -> None:
    low, high = (measure(np.sin(2 * np.pi * f * TIME), RATE) for f in (50, 2000))
    assert low.sub_share > 0.99
    assert high.sub_share < 0.01
    assert high.centroid_hz == pytest.approx(2000, rel=0.02)


def test_the_pulse_of_clicks_is_found() -> None:
    clicks = np.zeros(len(TIME))
    clicks[:: RATE // 2] = 1.0
    found = measure(np.convolve(clicks, np.exp(-np.arange(800) / 100))[: len(TIME)], RATE)
    assert found.pulse > 0.7
    assert found.pulse_s % 0.5 == pytest.approx(0.0, abs=0.03)


def test_very_short_and_silent_audio_can_be_measured() -> None:
    assert isinstance(measure(np.zeros(300), RATE), Sound)
    assert average([measure(np.zeros(RATE), RATE)])["silent_share"] == 1.0
