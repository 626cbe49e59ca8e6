"""Decoding long music in overlapping windows, as upstream's ``decode_overlap`` lays them.

Memory stays that of one window, and frames near a window's edge differ a little from an undivided decode, because the
DCAE attends to the whole of its input. Shapes: B clips, C audio channels, K latent channels, H latent height, T latent
frames, M mel bins, F mel frames, N samples.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

LATENT_WINDOW, LATENT_STEP, LATENT_TRIM = 512, 256, 128
"""Latent frames that the DCAE decodes at once, between windows, and left out at every inner edge."""
MEL_WINDOW, MEL_OVERLAP = 512, 2
"""Mel frames that the vocoder decodes at once, and left out at every inner edge."""
FADE_SAMPLES = 128


def decode_mel_overlapped(
    decoder: Callable[[torch.Tensor], torch.Tensor], raw_BKHT: torch.Tensor, squeeze: int
) -> torch.Tensor:
    """Normalised mel (B, C, M, F) of raw latents; ``squeeze`` is F / T."""
    last = max(0, raw_BKHT.shape[-1] - 2 * LATENT_TRIM - 1) // LATENT_STEP * LATENT_STEP
    parts = []
    for start in range(0, last + 1, LATENT_STEP):
        mel = decoder(raw_BKHT[..., start : start + LATENT_WINDOW])
        left = LATENT_TRIM * squeeze if start else 0
        right = mel.shape[-1] - (LATENT_TRIM * squeeze if start < last else 0)
        parts.append(mel[..., left:right])
    return torch.cat(parts, dim=-1)


def decode_wave_overlapped(
    decode: Callable[[torch.Tensor], torch.Tensor], mel_CMF: torch.Tensor, hop: int
) -> torch.Tensor:
    """Audio (C, F * hop) of log-mel, on the CPU; neighbouring windows are cross-faded over 128 samples.

    The last window is filled up with zeros, which in log-mel is not silence: what they sound like is cut off again, but
    the last few frames hear them. Upstream does the same.
    """
    frames, overlap = mel_CMF.shape[-1], MEL_OVERLAP * hop
    out = torch.zeros(len(mel_CMF), frames * hop + overlap)
    fade = torch.linspace(0, 1, FADE_SAMPLES)
    for start in range(0, frames, MEL_WINDOW - 2 * MEL_OVERLAP):
        block = mel_CMF[..., start : start + MEL_WINDOW]
        audio = decode(F.pad(block, (0, MEL_WINDOW - block.shape[-1]))).float().cpu()
        at = start * hop
        if start:
            join = slice(at + overlap - FADE_SAMPLES, at + overlap)
            out[:, join] = out[:, join] * (1 - fade) + audio[:, overlap - FADE_SAMPLES : overlap] * fade
            audio, at = audio[:, overlap:], at + overlap
        length = min(audio.shape[-1], out.shape[-1] - at)
        out[:, at : at + length] = audio[:, :length]
    return out[:, : frames * hop]
