"""Codes from k-means over mel frames, where the released model has a Paraformer and the CosyVoice tokeniser.

Shapes: N samples, M mel bins, F mel frames (50 a second), L codes of vq02 (16.67 a second), S codes of vq06 (25 a
second), C cepstra.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from tunesmith.families.step_audio.config import FLOW_PER_GROUP, GROUP, MEL_PER_FLOW
from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.small import SmallConfig

VQ02, VQ06 = "codes.vq02", "codes.vq06"
"""Names of the centroids: (K02, C) and (K06, 2 * M)."""
MEL_PER_GROUP = FLOW_PER_GROUP * MEL_PER_FLOW
VQ02_PER_GROUP = GROUP - FLOW_PER_GROUP
Codes = npt.NDArray[np.int64]


class SmallCodes:
    """Both tokenisers of the pocket model.

    Args:
        tensors: Of ``small_frontend.safetensors``.
        config: Of ``small_frontend.json``.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor], config: SmallConfig) -> None:
        self.config = config
        self._vq02, self._vq06 = tensors[VQ02].float(), tensors[VQ06].float()

    def codes(self, wave_24k: npt.NDArray[np.floating]) -> tuple[Codes, Codes]:
        """Codes of vq02 and vq06 of a mono wave (N,) at 24 kHz, silence added up to a whole group of 120 ms.

        Returns:
            ``ceil(N / 2880)`` groups: two codes each of vq02, three of vq06, int64.
        """
        return self.of_mel(padded_mel(wave_24k, self.config))

    def of_mel(self, mel_MF: torch.Tensor) -> tuple[Codes, Codes]:
        """Codes of a spectrogram whose frames make whole groups."""
        pairs = zip(features(mel_MF, self.config), (self._vq02, self._vq06), strict=True)
        found = [torch.cdist(points, centroids).argmin(dim=1) for points, centroids in pairs]
        return found[0].numpy(), found[1].numpy()


def pad_to_groups(wave_24k: npt.NDArray[np.floating], config: SmallConfig) -> npt.NDArray[np.float32]:
    """The wave with silence added up to the next whole group, at least one; mel frames are then twice vq06's codes."""
    groups = max(1, math.ceil(len(wave_24k) / config.group))
    return np.pad(np.asarray(wave_24k, np.float32), (0, groups * config.group - len(wave_24k)))


def padded_mel(wave_24k: npt.NDArray[np.floating], config: SmallConfig) -> torch.Tensor:
    """Log-mel spectrogram (M, F) of the wave padded to whole groups."""
    return log_mel(torch.from_numpy(pad_to_groups(wave_24k, config))[None], config.mel)[0]


def features(mel_MF: torch.Tensor, config: SmallConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """What the two tokenisers compare: (L, C) and (S, 2 * M).

    The linguistic one sees the smooth spectrum of three frames without its level and without harmonics; the semantic
    one sees two whole frames.
    """
    floored_MF = mel_MF.clamp(min=config.mel_floor)
    bins, frames = floored_MF.shape
    each = MEL_PER_GROUP // VQ02_PER_GROUP
    smooth = floored_MF.reshape(bins, frames // each, each).mean(dim=2).T @ cosines(bins, config.cepstra)
    return smooth, floored_MF.T.reshape(frames // MEL_PER_FLOW, MEL_PER_FLOW * bins)


def cosines(bins: int, count: int) -> torch.Tensor:
    """Orthonormal cosine transform (M, C) without its first, constant column."""
    phases = (torch.arange(bins)[:, None] + 0.5) * torch.arange(1, count + 1)[None] * (math.pi / bins)
    return torch.cos(phases) * math.sqrt(2 / bins)
