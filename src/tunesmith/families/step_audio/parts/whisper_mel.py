"""Whisper's log-mel spectrogram, the input of the semantic tokeniser (vq06).

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022).
Shapes: N samples, F frames, M mel bins, K frequency bins.
"""

from __future__ import annotations

import torch

from tunesmith.audio.mel_basis import mel_filterbank

RATE, N_FFT, HOP = 16_000, 400, 160
_POWER_FLOOR, _RANGE = 1e-10, 8.0


def whisper_log_mel(wave_N: torch.Tensor, n_mels: int) -> torch.Tensor:
    """Decimal logarithm of mel energies, cut to 8 below the loudest and scaled to about ±1.

    Args:
        wave_N: Mono audio at 16 kHz; N must exceed 200.
        n_mels: Number of mel bins, 128 for vq06.

    Returns:
        (M, F) float32, F = N // 160.
    """
    window = torch.hann_window(N_FFT, device=wave_N.device)
    spectra_KF = torch.stft(wave_N.float(), N_FFT, HOP, window=window, return_complex=True)[:, :-1]
    basis_KM = mel_filterbank(RATE, N_FFT // 2 + 1, n_mels, 0.0, RATE / 2).to(wave_N.device)
    logs_MF = (basis_KM.T @ spectra_KF.abs().square()).clamp(min=_POWER_FLOOR).log10()
    return (torch.maximum(logs_MF, logs_MF.max() - _RANGE) + 4.0) / 4.0
