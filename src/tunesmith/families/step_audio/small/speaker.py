"""A speaker vector from mel statistics, where the released model has CAM++.

Shapes: N samples, M mel bins, F frames, E = 192.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.small import SmallConfig

MEAN, DEVIATION, PROJECTION = "speaker.mean", "speaker.deviation", "speaker.projection"
"""Names of the tensors: (2 * M,), (2 * M,) and (2 * M, E)."""
_SPEECH = 4.0
"""Frames count whose level is at most this far (natural log) below the loudest."""


class SmallSpeaker:
    """Mean and movement of every mel bin over the speech, standardised and turned by a fixed random matrix.

    Args:
        tensors: Of ``small_frontend.safetensors``.
        config: Of ``small_frontend.json``.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor], config: SmallConfig) -> None:
        self.config = config
        self._mean, self._deviation = tensors[MEAN].float(), tensors[DEVIATION].float()
        self._projection = tensors[PROJECTION].float()

    def embed(self, wave: npt.NDArray[np.floating], rate: int) -> npt.NDArray[np.float32]:
        """Vector (192,) of length 1 of a mono wave (N,) at ``rate`` Hz."""
        import soxr

        samples = soxr.resample(np.asarray(wave, np.float32), rate, self.config.mel.sampling_rate)
        least = self.config.mel.n_fft  # a shorter wave cannot be mirrored at its ends
        samples = np.pad(samples, (0, max(0, least - len(samples))))
        return self.of_mel(log_mel(torch.from_numpy(samples)[None], self.config.mel)[0])

    def of_mel(self, mel_MF: torch.Tensor) -> npt.NDArray[np.float32]:
        """Vector (192,) of length 1 of a spectrogram."""
        points = (statistics(mel_MF, self.config) - self._mean) / self._deviation
        vector = points @ self._projection
        unit: npt.NDArray[np.float32] = (vector / vector.norm().clamp(min=1e-6)).numpy()
        return unit


def statistics(mel_MF: torch.Tensor, config: SmallConfig) -> torch.Tensor:
    """Mean, without the level, and standard deviation of every bin over the frames with speech; (2 * M,)."""
    floored_MF = mel_MF.clamp(min=config.mel_floor)
    level = floored_MF.mean(dim=0)
    speech = floored_MF[:, level >= level.max() - _SPEECH]
    mean = speech.mean(dim=1)
    return torch.cat([mean - mean.mean(), speech.std(dim=1, correction=0)])
