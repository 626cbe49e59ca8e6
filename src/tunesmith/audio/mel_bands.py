"""Products with mel filters, most of which are zeros: only the bands that filters reach are multiplied.

Shapes: R rows, K frequency bins, M mel bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

BAND = 128
"""Frequency bins that are multiplied at once: a fifth of the whole product's work, with 128 filters up to 16 kHz."""


@dataclass(frozen=True)
class _Band:
    bins: slice
    mels: slice
    filters: torch.Tensor


class MelBands:
    """A matrix of filters (K, M) where each frequency bin is heard by a few neighbouring filters."""

    def __init__(self, filters_KM: torch.Tensor) -> None:
        self.bins, self.mels = filters_KM.shape
        self._bands = [_band(filters_KM, first) for first in range(0, self.bins, BAND)]

    def energies(self, magnitudes_RK: torch.Tensor) -> torch.Tensor:
        """``magnitudes @ filters`` (R, M)."""
        energies = magnitudes_RK.new_zeros(len(magnitudes_RK), self.mels)
        for band in self._bands:
            energies[:, band.mels].addmm_(magnitudes_RK[:, band.bins], band.filters)
        return energies

    def spread(self, energies_RM: torch.Tensor) -> torch.Tensor:
        """``energies @ filters.T`` (R, K)."""
        spread = energies_RM.new_empty(len(energies_RM), self.bins)
        for band in self._bands:
            torch.mm(energies_RM[:, band.mels], band.filters.T, out=spread[:, band.bins])
        return spread


def _band(filters_KM: torch.Tensor, first: int) -> _Band:
    bins = slice(first, first + BAND)
    heard = filters_KM[bins].any(dim=0).nonzero()
    mels = slice(int(heard.min()), int(heard.max()) + 1) if len(heard) else slice(0, 1)
    return _Band(bins, mels, filters_KM[bins, mels].contiguous())
