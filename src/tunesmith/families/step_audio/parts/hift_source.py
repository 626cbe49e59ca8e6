"""What excites the vocoder: harmonics of a predicted pitch, and noise where there is none.

Source: Wang et al., "Neural Source-Filter Waveform Models" (2019), as ``SineGen2`` and ``ConvRNNF0Predictor`` of the
HiFT vocoder (CosyVoice), whose tensor names are kept. Shapes: B rows, C mel channels, F mel frames, H harmonics with
the fundamental, N samples, D width.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import F0Config, HiftConfig

_F0_LAYERS, _F0_KERNEL = 5, 3
_UNVOICED_NOISE = 1 / 3
"""Level of the noise in unvoiced frames, as a share of the sines' amplitude in voiced ones."""


class F0Predictor(nn.Module):
    """Pitch from the mel: (B, C, F) to (B, F), Hz, never negative."""

    def __init__(self, config: F0Config) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(_F0_LAYERS):
            width = config.cond_channels if index else config.in_channels
            layers += [nn.Conv1d(width, config.cond_channels, _F0_KERNEL, padding=_F0_KERNEL // 2), nn.ELU()]
        self.condnet = nn.Sequential(*layers)
        self.classifier = nn.Linear(config.cond_channels, config.num_class)

    def forward(self, mel_BCF: torch.Tensor) -> torch.Tensor:
        """Predict the pitch of every frame."""
        hidden_BFD = self.condnet(mel_BCF).transpose(1, 2)
        output: torch.Tensor = self.classifier(hidden_BFD).squeeze(-1).abs()
        return output


class HarmonicSource(nn.Module):
    """Harmonics and noise, mixed into one excitation by a learned layer.

    Args:
        config: Sizes and levels.
        hop: Samples per mel frame.
    """

    def __init__(self, config: HiftConfig, hop: int) -> None:
        super().__init__()
        self.config, self.hop = config, hop
        self.harmonics = config.nb_harmonics + 1
        self.l_linear = nn.Linear(self.harmonics, 1)

    def draw(self, rows: int, frames: int, generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise (B, N, H) for :meth:`forward`, on the generator's device.

        Upstream first draws an initial phase for every harmonic and adds it to the first sample of the pitch, of which
        the step from samples to frames then reads only the middle of each frame: the phase is lost. It is drawn here
        so that a seed gives upstream's noise, and not used.
        """
        torch.rand(rows, self.harmonics, generator=generator, device=generator.device)
        shape = (rows, frames * self.hop, self.harmonics)
        return torch.randn(shape, generator=generator, device=generator.device)

    def forward(self, f0_BF: torch.Tensor, noise_BNH: torch.Tensor) -> torch.Tensor:
        """Excitation (B, N) within ±1 for a pitch in Hz; N is F hops."""
        voiced_BF = (f0_BF > self.config.nsf_voiced_threshold).to(f0_BF.dtype)
        voiced_BN1 = voiced_BF.repeat_interleave(self.hop, dim=1)[..., None]
        amplitude = self.config.nsf_alpha
        level_BN1 = voiced_BN1 * self.config.nsf_sigma + (1 - voiced_BN1) * (amplitude * _UNVOICED_NOISE)
        excitation_BNH = self._sines(f0_BF) * (amplitude * voiced_BN1) + level_BN1 * noise_BNH
        return torch.tanh(self.l_linear(excitation_BNH))[..., 0]

    def _sines(self, f0_BF: torch.Tensor) -> torch.Tensor:
        """Harmonics (B, N, H) of unit amplitude; the phase runs straight from the middle of a frame to the next one."""
        orders_H1 = torch.arange(1, self.harmonics + 1, dtype=f0_BF.dtype, device=f0_BF.device)[:, None]
        # Whole cycles per sample change nothing.
        cycles_BHF = (f0_BF[:, None] * orders_H1 / self.config.sampling_rate) % 1
        # The order of these products is the reference's: phases grow large, so their rounding would show.
        phase_BHF = cycles_BHF.cumsum(dim=-1) * (2 * math.pi) * self.hop
        return F.interpolate(phase_BHF, scale_factor=float(self.hop), mode="linear").transpose(1, 2).sin()
