"""Sound of log-mel spectrograms by Griffin-Lim, where the released model has HiFT.

Shapes: C mel bins, F frames, N samples.
"""

from __future__ import annotations

import torch

from tunesmith.audio.mel_inversion import MelInversion
from tunesmith.families.step_audio.small import SmallConfig


class SmallVocoder:
    """Estimates phases; learns nothing, and gives nothing above the highest mel bin (8 kHz).

    Args:
        config: Of ``small_frontend.json``.
    """

    def __init__(self, config: SmallConfig) -> None:
        mel = config.mel
        self._inversion = MelInversion(
            {
                "sampling_rate": mel.sampling_rate,
                "n_fft": mel.n_fft,
                "win_length": mel.win_size,
                "hop_length": mel.hop_size,
                "n_mels": mel.num_mels,
                "f_min": mel.fmin,
                "f_max": mel.fmax,
                "iterations": config.iterations,
            }
        )

    def wave(self, mel_CF: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Audio (N,) of natural-log mel magnitudes, N = F hops, fp32 on the device of the mel.

        Args:
            mel_CF: As :func:`~tunesmith.families.step_audio.parts.mel.log_mel` gives it.
            generator: Untouched, since nothing is drawn here; the released vocoder draws its excitation.
        """
        del generator
        inversion = self._inversion.to(mel_CF.device)
        audio: torch.Tensor = inversion.decode(mel_CF.float()[None])[0]
        return audio
