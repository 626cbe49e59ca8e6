"""A log-mel front end as a module, named as in ACE-Step's vocoder (``mel_transform.*``).

Source: ``music_log_mel.py`` of ACE-Step; the filterbank is Slaney's (triangles on his mel scale, each of unit area).
Shapes: B rows, N samples, F frames, M mel bins, K frequency bins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.audio.mel_basis import mel_filterbank
from tunesmith.audio.stream import SoundStream, at_rate

MAGNITUDE_FLOOR, MEL_FLOOR = 1e-6, 1e-5
"""Added to the power before its root; the least value that the logarithm sees."""
FRAMES_AT_ONCE = 4096
"""Spectra held in memory at once (16 MB per 1025 bins and row); frames do not depend on one another."""


class Spectrogram(nn.Module):
    """Magnitudes of a Hann-windowed STFT, one frame per ``hop`` samples."""

    def __init__(self, n_fft: int, win_length: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.window: torch.Tensor
        self.register_buffer("window", torch.hann_window(win_length))

    def padded(self, audio_BN: torch.Tensor) -> torch.Tensor:
        """``audio`` mirrored at both ends so that N / hop frames cover it; it must be longer than that padding."""
        spare = len(self.window) - self.hop
        return F.pad(audio_BN[:, None], (spare // 2, spare - spare // 2), mode="reflect")[:, 0]

    def spectra(self, padded_BN: torch.Tensor) -> torch.Tensor:
        """Complex spectra (B, K, F) of padded audio."""
        return torch.stft(
            padded_BN, self.n_fft, self.hop, len(self.window), self.window, center=False, return_complex=True
        )

    def forward(self, padded_BN: torch.Tensor) -> torch.Tensor:
        """Magnitudes (B, K, F) of padded audio."""
        spectra = self.spectra(padded_BN)
        return torch.sqrt(spectra.real**2 + spectra.imag**2 + MAGNITUDE_FLOOR)


class MelScale(nn.Module):
    """The filterbank ``fb`` (K, M)."""

    def __init__(self, rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float) -> None:
        super().__init__()
        self.fb: torch.Tensor
        self.register_buffer("fb", mel_filterbank(rate, n_fft // 2 + 1, n_mels, f_min, f_max))

    def forward(self, magnitudes_BKF: torch.Tensor) -> torch.Tensor:
        """Mel energies (B, M, F)."""
        return (magnitudes_BKF.transpose(1, 2) @ self.fb).transpose(1, 2)


class LogMel(nn.Module):
    """Log-mel spectrogram of audio.

    Args:
        vocoder_config: The sizes as ACE-Step's ``music_vocoder/config.json`` names them.
    """

    def __init__(self, vocoder_config: dict[str, Any]) -> None:
        super().__init__()
        config = vocoder_config
        rate, n_fft = int(config["sampling_rate"]), int(config["n_fft"])
        self.spectrogram = Spectrogram(n_fft, int(config["win_length"]), int(config["hop_length"]))
        self.mel_scale = MelScale(rate, n_fft, int(config["n_mels"]), float(config["f_min"]), float(config["f_max"]))

    def forward(self, audio_BN: torch.Tensor) -> torch.Tensor:
        """Natural logarithm of the mel energies (B, M, F), F = N // hop; N must exceed (win_length - hop) / 2."""
        spectrogram = self.spectrogram
        padded = spectrogram.padded(audio_BN.float())
        overlap = spectrogram.n_fft - spectrogram.hop
        frames = (padded.shape[-1] - overlap) // spectrogram.hop
        parts = []
        for first in range(0, frames, FRAMES_AT_ONCE):
            last = min(frames, first + FRAMES_AT_ONCE)
            chunk = padded[:, first * spectrogram.hop : last * spectrogram.hop + overlap]
            parts.append(torch.log(self.mel_scale(spectrogram(chunk)).clamp(min=MEL_FLOOR)))
        return torch.cat(parts, dim=-1)

    def blocks(self, sound: SoundStream) -> Iterator[np.ndarray]:
        """What :meth:`forward` gives of a sound (B, N) that is read piece by piece: (B, M, F), one behind the other."""
        spectrogram = self.spectrogram
        context = -(-spectrogram.n_fft // spectrogram.hop)  # frames that what is mirrored at a window's ends reaches
        for window, piece in sound.windows(FRAMES_AT_ONCE * spectrogram.hop, context * spectrogram.hop):
            mel_BMF = self(torch.from_numpy(window.copy()).to(spectrogram.window.device))
            yield mel_BMF[..., at_rate(piece, 1, spectrogram.hop)].cpu().numpy()
