"""Products with mel filters give what the whole matrix gives."""

from __future__ import annotations

import pytest
import torch

from tunesmith.audio.mel_bands import BAND, MelBands
from tunesmith.audio.mel_basis import mel_filterbank


@pytest.mark.parametrize(
    ("rate", "n_mels", "f_min", "f_max"), [(44_100, 128, 40.0, 16_000.0), (24_000, 80, 3000.0, 8000.0)]
)
def test_products_are_those_of_the_whole_matrix(rate, n_mels, f_min, f_max):
    filters_KM = mel_filterbank(rate, 1025, n_mels, f_min, f_max)
    bands = MelBands(filters_KM)
    generator = torch.Generator().manual_seed(0)
    magnitudes_RK = torch.rand(7, 1025, generator=generator)
    energies_RM = torch.rand(7, n_mels, generator=generator)
    torch.testing.assert_close(bands.energies(magnitudes_RK), magnitudes_RK @ filters_KM)
    torch.testing.assert_close(bands.spread(energies_RM), energies_RM @ filters_KM.T)


def test_a_band_that_no_filter_hears_is_silent():
    filters_KM = torch.zeros(3 * BAND + 5, 4)
    filters_KM[BAND + 1, 2] = 1.0
    spread = MelBands(filters_KM).spread(torch.ones(2, 4))
    assert spread.sum() == 2
    assert spread[:, BAND + 1].tolist() == [1, 1]
