"""The log-mel spectrogram that the flow paints and the vocoder reads.

Source: ``mel_conf`` of ``cosyvoice.yaml``; the front end is that of Matcha-TTS (Mehta et al. 2024), whose lines go back
to HiFi-GAN. Shapes: B rows, N samples, F frames, M mel bins, K frequency bins.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional as F

from tunesmith.audio.mel_basis import mel_filterbank
from tunesmith.families.step_audio.config import MelConfig

FRAMES_AT_ONCE = 4096
"""Spectra held in memory at once (82 s); frames do not depend on one another."""
POWER_FLOOR, MEL_FLOOR = 1e-9, 1e-5
"""Added to the power before its root; the least mel magnitude that the logarithm sees."""


def log_mel(wave_BN: torch.Tensor, config: MelConfig) -> torch.Tensor:
    """Natural logarithm of the mel magnitudes, one frame per ``config.hop_size`` samples.

    Args:
        wave_BN: Audio at ``config.sampling_rate``; N must exceed (n_fft - hop_size) / 2, which is mirrored at each end.
        config: Sizes of the front end.

    Returns:
        (B, M, F) float32, F = N // hop_size, on the device of the audio.
    """
    edge = (config.n_fft - config.hop_size) // 2
    padded_BN = F.pad(wave_BN.float()[:, None], (edge, edge), mode="reflect")[:, 0]
    window, basis_MK = (tensor.to(wave_BN.device) for tensor in _constants(config))
    overlap = config.n_fft - config.hop_size
    frames, parts = (padded_BN.shape[-1] - overlap) // config.hop_size, []
    for first in range(0, frames, FRAMES_AT_ONCE):
        last = min(frames, first + FRAMES_AT_ONCE)
        chunk_BN = padded_BN[:, first * config.hop_size : last * config.hop_size + overlap]
        spectra_BKF = torch.stft(
            chunk_BN, config.n_fft, config.hop_size, config.win_size, window, center=False, return_complex=True
        )
        magnitudes_BKF = torch.sqrt(spectra_BKF.real**2 + spectra_BKF.imag**2 + POWER_FLOOR)
        parts.append(torch.log((basis_MK @ magnitudes_BKF).clamp(min=MEL_FLOOR)))
    return torch.cat(parts, dim=-1)


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _constants(config: MelConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Window (win_size,) and filterbank (M, K)."""
    basis = mel_filterbank(config.sampling_rate, config.n_fft // 2 + 1, config.num_mels, config.fmin, config.fmax)
    return torch.hann_window(config.win_size), basis.T.contiguous()
