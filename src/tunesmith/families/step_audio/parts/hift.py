"""The HiFT vocoder: mel spectrogram to 24 kHz audio.

A HiFi-GAN whose last step is an inverse STFT, with the spectrum of a harmonic source added at every level. Weight norm
is folded into plain weights at load, as nothing here is trained.

Source: Li et al., "HiFTNet" (2023), as in CosyVoice and Step-Audio-EditX, whose tensor names are kept.
Shapes: B rows, C channels, F mel frames, K spectrum channels (real and imaginary parts), N samples, T steps of a level.
"""

from __future__ import annotations

import math
from itertools import accumulate
from operator import mul

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import HiftConfig
from tunesmith.families.step_audio.parts.hift_source import F0Predictor, HarmonicSource

_END_KERNEL = 7
_SNAKE_FLOOR = 1e-9
_LOUDEST = 1e2
"""Greatest magnitude that the inverse STFT takes."""


class Snake(nn.Module):
    """x + sin²(αx) / α with one α per channel (Ziyin et al. 2020)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels))

    def forward(self, x_BCT: torch.Tensor) -> torch.Tensor:
        """(B, C, T) to the same shape."""
        alpha_C1 = self.alpha[:, None]
        return x_BCT + torch.sin(x_BCT * alpha_C1).square_() / (alpha_C1 + _SNAKE_FLOOR)


class HiftResBlock(nn.Module):
    """Pairs of convolutions, the first of each dilated, with a skip around every pair."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)
            for dilation in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations)
        self.activations1 = nn.ModuleList(Snake(channels) for _ in dilations)
        self.activations2 = nn.ModuleList(Snake(channels) for _ in dilations)

    def forward(self, x_BCT: torch.Tensor) -> torch.Tensor:
        """(B, C, T) to the same shape."""
        for snake1, dilated, snake2, plain in zip(
            self.activations1, self.convs1, self.activations2, self.convs2, strict=True
        ):
            x_BCT = x_BCT + plain(snake2(dilated(snake1(x_BCT))))
        return x_BCT


class Hift(nn.Module):
    """The vocoder of one checkpoint.

    Args:
        config: Sizes; the product of the up-sampling rates and the inverse STFT's hop is the mel's hop.
    """

    def __init__(self, config: HiftConfig) -> None:
        super().__init__()
        self.config = config
        self.hop = math.prod(config.upsample_rates) * config.istft_hop_len
        self.f0_predictor = F0Predictor(config.f0_predictor)
        self.m_source = HarmonicSource(config, self.hop)
        spectrum = config.istft_n_fft + 2
        width = config.base_channels
        self.conv_pre = nn.Conv1d(config.in_channels, width, _END_KERNEL, padding=_END_KERNEL // 2)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        self.source_downs, self.source_resblocks = nn.ModuleList(), nn.ModuleList()
        for level, stride in enumerate(_source_strides(config.upsample_rates)):
            rate, kernel = config.upsample_rates[level], config.upsample_kernel_sizes[level]
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=(kernel - rate) // 2))
            width //= 2
            for size, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True):
                self.resblocks.append(HiftResBlock(width, size, dilations))
            self.source_downs.append(
                nn.Conv1d(spectrum, width, 1 if stride == 1 else 2 * stride, stride, padding=stride // 2)
            )
            source_kernel = config.source_resblock_kernel_sizes[level]
            dilations = config.source_resblock_dilation_sizes[level]
            self.source_resblocks.append(HiftResBlock(width, source_kernel, dilations))
        self.conv_post = nn.Conv1d(width, spectrum, _END_KERNEL, padding=_END_KERNEL // 2)

    def forward(self, mel_BCF: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Audio (B, N) at ``config.sampling_rate``, within ``config.audio_limit``; N is F hops.

        Args:
            mel_BCF: Natural-log mel as of :mod:`~tunesmith.families.step_audio.parts.mel`.
            generator: Of the noise in the source; one on the CPU gives the same noise whatever the model's device.
        """
        noise_BNH = self.m_source.draw(len(mel_BCF), mel_BCF.shape[-1], generator).to(mel_BCF)
        return self.decode(mel_BCF, self.m_source(self.f0_predictor(mel_BCF), noise_BNH))

    def decode(self, mel_BCF: torch.Tensor, source_BN: torch.Tensor) -> torch.Tensor:
        """Audio (B, N) of a mel and the excitation of its pitch."""
        spectrum_BKT = self.source_spectrum(source_BN)
        hidden_BCT = self.conv_pre(mel_BCF)
        branches = len(self.config.resblock_kernel_sizes)
        for level, up in enumerate(self.ups):
            hidden_BCT = up(F.leaky_relu(hidden_BCT, self.config.lrelu_slope))
            if level == len(self.ups) - 1:
                # The source's spectrum has one step more than the mel has hops.
                hidden_BCT = F.pad(hidden_BCT, (1, 0), mode="reflect")
            hidden_BCT = hidden_BCT + self.source_resblocks[level](self.source_downs[level](spectrum_BKT))
            first, *others = self.resblocks[level * branches : (level + 1) * branches]
            total_BCT = first(hidden_BCT)
            for branch in others:
                total_BCT = total_BCT + branch(hidden_BCT)
            hidden_BCT = total_BCT / branches
        # PyTorch's own slope, not the config's, as upstream has it.
        return self._audio(self.conv_post(F.leaky_relu(hidden_BCT)))

    def source_spectrum(self, source_BN: torch.Tensor) -> torch.Tensor:
        """Real, then imaginary parts of the source's STFT, (B, K, T)."""
        n_fft, hop = self.config.istft_n_fft, self.config.istft_hop_len
        window = torch.hann_window(n_fft, device=source_BN.device)
        spectra = torch.stft(source_BN, n_fft, hop, window=window, return_complex=True)
        return torch.cat((spectra.real, spectra.imag), dim=1)

    def _audio(self, spectrum_BKT: torch.Tensor) -> torch.Tensor:
        n_fft, hop = self.config.istft_n_fft, self.config.istft_hop_len
        logs_BKT, turns_BKT = spectrum_BKT.float().split(n_fft // 2 + 1, dim=1)
        spectra = torch.polar(logs_BKT.exp().clamp(max=_LOUDEST), turns_BKT.sin())
        wave_BN = torch.istft(spectra, n_fft, hop, window=torch.hann_window(n_fft, device=spectra.device))
        return wave_BN.clamp(-self.config.audio_limit, self.config.audio_limit)


def _source_strides(rates: tuple[int, ...]) -> list[int]:
    """Steps of the source's spectrum per step of every level: what is still to be up-sampled after it."""
    return list(accumulate((1, *rates[:0:-1]), mul))[::-1]
