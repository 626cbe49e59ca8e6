"""Kaldi's log-mel filterbank, as the Paraformer encoder (vq02) and the speaker encoder (CAM++) take it.

Source: ``compute-fbank-feats`` of Kaldi with 25 ms frames every 10 ms, ``snip_edges`` and a pre-emphasis of 0.97. Its
``energy_floor`` acts on the energy coefficient alone, which neither model takes, so it is no setting here.

Kaldi's dither is left out. The original tokeniser leaves it at 1.0, one step of 16-bit noise on every sample, and so
gives other tokens for the same file each time (about one in 25): nothing could be cached or compared.

Shapes: N samples, F frames, W samples of a frame, M mel bins, K frequency bins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch.nn import functional as F

RATE, FRAME, HOP = 16_000, 400, 160
"""Hz; samples in 25 ms and in 10 ms."""
INT16_SCALE = 32_768.0
"""Brings audio within ±1 to the range of 16-bit samples, which the Paraformer encoder was trained on."""
FRAMES_AT_ONCE = 8192
"""Frames held in memory at once (82 s); they do not depend on one another."""
_PREEMPHASIS, _LOWEST_HERTZ, _POVEY_POWER = 0.97, 20.0, 0.85


Window = Literal["povey", "hamming"]
"""Shape of a frame: Kaldi's own (a Hann window to the power 0.85), or Hamming's."""


def kaldi_fbank(wave_N: torch.Tensor, *, n_mels: int, window: Window, scale: float = 1.0) -> torch.Tensor:
    """Natural logarithm of mel energies; the same for the same audio, always.

    Args:
        wave_N: Mono audio at 16 kHz within ±1.
        n_mels: Number of mel bins.
        window: ``povey`` for the speaker encoder, ``hamming`` for Paraformer.
        scale: Multiplies the audio first, see :data:`INT16_SCALE`.

    Returns:
        (F, M) float32, F = 1 + (N - 400) // 160, and 0 for audio shorter than a frame.
    """
    if len(wave_N) < FRAME:
        return wave_N.new_zeros((0, n_mels), dtype=torch.float32)
    frames_FW = (wave_N.float() * scale).unfold(0, FRAME, HOP)
    return torch.cat([_log_mel(part_FW, n_mels, window) for part_FW in frames_FW.split(FRAMES_AT_ONCE)])


def _log_mel(frames_FW: torch.Tensor, n_mels: int, window: Window) -> torch.Tensor:
    frames_FW = frames_FW - frames_FW.mean(dim=1, keepdim=True)
    # Kaldi takes the sample before the frame's first one to be equal to it.
    before_FW = torch.cat((frames_FW[:, :1], frames_FW[:, :-1]), dim=1)
    shaped_FW = (frames_FW - _PREEMPHASIS * before_FW) * _window(window).to(frames_FW.device)
    size = 1 << (FRAME - 1).bit_length()
    power_FK = torch.fft.rfft(shaped_FW, n=size).abs().square()
    energies_FM = power_FK @ _filters(n_mels, size).to(frames_FW.device)
    logs: torch.Tensor = energies_FM.clamp(min=torch.finfo(torch.float32).eps).log()
    return logs


def subtract_mean(features_FM: torch.Tensor) -> torch.Tensor:
    """Features less their mean over time, as the speaker encoder takes them; the level of the audio is gone with it."""
    return features_FM - features_FM.mean(dim=0, keepdim=True)


@lru_cache(maxsize=2)
@torch.inference_mode(False)
def _window(window: Window) -> torch.Tensor:
    if window == "hamming":
        return torch.hamming_window(FRAME, periodic=False)
    return torch.hann_window(FRAME, periodic=False).pow(_POVEY_POWER)


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _filters(n_mels: int, size: int) -> torch.Tensor:
    """Triangles of height 1, even on Kaldi's mel scale from 20 Hz to half the rate: (K, M)."""
    low, high = _to_mel(torch.tensor([_LOWEST_HERTZ, RATE / 2], dtype=torch.float64)).tolist()
    points = torch.linspace(low, high, n_mels + 2, dtype=torch.float64)
    bins = _to_mel(torch.arange(size // 2, dtype=torch.float64) * (RATE / size))[:, None]
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    # The bin at half the rate belongs to no filter.
    return F.pad(torch.minimum(rising, falling).clamp(min=0), (0, 0, 0, 1)).float()


def _to_mel(hertz: torch.Tensor) -> torch.Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)
