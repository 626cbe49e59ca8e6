"""Slaney's filterbank: unit area, and the numbers of another implementation."""

from __future__ import annotations

import pytest
import torch

from tests.golden_files import UNIT
from tunesmith.audio.mel_basis import mel_filterbank

SIZES = [(24_000, 961, 80, 0.0, 8000.0), (16_000, 201, 128, 0.0, 8000.0), (44_100, 1025, 128, 40.0, 16_000.0)]


@pytest.mark.parametrize("size", SIZES)
def test_the_same_as_transformers(size):
    from transformers.audio_utils import mel_filter_bank

    rate, bins, n_mels, f_min, f_max = size
    theirs = mel_filter_bank(bins, n_mels, f_min, f_max, rate, norm="slaney", mel_scale="slaney")
    ours = mel_filterbank(*size)
    assert ours.dtype == torch.float32
    # Theirs is in double precision, so ours is off by its one rounding; near a triangle's foot doubles cancel.
    torch.testing.assert_close(ours.double(), torch.from_numpy(theirs), atol=1e-13, rtol=UNIT)


def test_every_filter_has_unit_area():
    fine = 16_001
    areas = mel_filterbank(16_000, fine, 40, 0.0, 8000.0).sum(0) * (8000 / (fine - 1))
    torch.testing.assert_close(areas, torch.ones(40), atol=1e-2, rtol=0)
