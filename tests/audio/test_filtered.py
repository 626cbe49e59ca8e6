"""The filter in matrix products gives what scipy's recursion gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from tunesmith.audio.measure.filtered import filtered
from tunesmith.audio.measure.loudness import k_weighting


@pytest.mark.parametrize("rate", [8000, 44_100, 192_000])
@pytest.mark.parametrize("seconds", [0.001, 0.37, 2.5])
def test_it_is_the_recursion(rate, seconds):
    samples = np.random.default_rng(0).normal(size=round(seconds * rate)).astype(np.float32)
    sections = k_weighting(rate)
    np.testing.assert_allclose(filtered(samples, sections), sosfilt(sections, samples.astype(np.float64)), atol=1e-8)


def test_nothing_gives_nothing():
    assert filtered(np.zeros(0), k_weighting(8000)).shape == (0,)


def test_any_sections_will_do():
    sections = butter(5, [300, 3000], btype="bandpass", fs=16_000, output="sos")
    samples = np.random.default_rng(1).normal(size=70_001)
    np.testing.assert_allclose(filtered(samples, sections), sosfilt(sections, samples), atol=1e-9)


def test_what_is_quiet_after_something_loud_keeps_its_precision():
    samples = np.random.default_rng(2).normal(size=88_200)
    samples[44_100:] *= 1e-6
    sections = k_weighting(44_100)
    quiet = slice(60_000, None)
    expected = sosfilt(sections, samples)[quiet]
    np.testing.assert_allclose(filtered(samples, sections)[quiet], expected, atol=1e-6 * np.abs(expected).max())
