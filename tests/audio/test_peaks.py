"""Peaks of a curve are those that scipy finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from tunesmith.audio.measure.peaks import peaks


@pytest.mark.parametrize("seed", range(40))
def test_peaks_are_those_of_scipy(seed):
    draw = np.random.default_rng(seed)
    curve = draw.normal(size=draw.integers(0, 60))
    height, prominence, distance = draw.normal() - 1, abs(draw.normal()), int(draw.integers(1, 8))
    expected, _ = find_peaks(curve, height=height, prominence=prominence, distance=distance)
    assert peaks(curve, height, prominence, distance) == expected.tolist()


@pytest.mark.parametrize("seed", range(40))
def test_plateaus_are_one_peak_each(seed):
    draw = np.random.default_rng(seed)
    curve = np.round(draw.normal(size=50) * 2)
    expected, _ = find_peaks(curve, height=-1.0, prominence=1.0)
    assert peaks(curve, -1.0, 1.0) == expected.tolist()
