"""Mel energies, as the front ends of learned ears take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def mel_energies(samples: np.ndarray, sample_rate: int, size: int, hop: int, bands: int) -> torch.Tensor:
    """Power in mel bands up to half the sample rate; no logarithm is taken.

    Args:
        samples: (N,) float.
        sample_rate: Hz.
        size: Samples of a frame, which a Hann window covers; both ends are padded with silence.
        hop: Samples from one frame to the next.
        bands: How many.

    Returns:
        (T, bands) float32.
    """
    import torch

    from tunesmith.audio.mel_basis import mel_filterbank

    spectra = torch.stft(
        torch.from_numpy(np.asarray(samples, np.float32)),
        size,
        hop,
        window=torch.hann_window(size),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectra.abs().square().T @ mel_filterbank(sample_rate, size // 2 + 1, bands, 0.0, sample_rate / 2)
