"""Sound from a log-mel spectrogram without a trained vocoder: magnitudes by non-negative fit, phases by iteration.

Sources: Lee and Seung, "Algorithms for Non-negative Matrix Factorization" (2000), the multiplicative update;
Beauregard, Harish and Wyse, "Single Pass Spectrogram Inversion" (2015), the first phases; Perraudin, Balazs and
Søndergaard, "A Fast Griffin-Lim Algorithm" (2013), the rest, with one change: a mel spectrogram leaves magnitudes open,
so every round moves its own magnitudes to the given mel energies instead of returning to those of the first fit (on the
synthesised clips that lowers the mean log-mel error from 0.19 to 0.11). Nothing is random.

Shapes: B rows, M mel bins, F frames, K frequency bins, W samples of a frame, N samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.audio.log_mel import MAGNITUDE_FLOOR, MEL_FLOOR, LogMel
from tunesmith.audio.mel_bands import MelBands

MOMENTUM = 0.99
FIT_STEPS = 16
"""Steps of the first fit; its log-mel error falls from 0.19 to 0.004 in as many."""
_TINY = 1e-8


class MelInversion(nn.Module):
    """Stands where the vocoder does; has no weights.

    Args:
        config: ``music_vocoder/config.json`` with the front end's sizes (``n_fft`` equal to ``win_length``) and
            ``iterations``, the rounds of Griffin-Lim.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.iterations = int(config["iterations"])
        self.mel_transform = LogMel(config)
        heard = self.mel_transform.mel_scale.fb.sum(dim=1).nonzero()
        self.bins = int(heard.max()) + 2 if len(heard) else None

    @torch.no_grad()
    def decode(self, mel_BMF: torch.Tensor) -> torch.Tensor:
        """Audio (B, F * hop_length) of log-mel spectrograms."""
        spectrogram = self.mel_transform.spectrogram
        frames = MelFrames(spectrogram.window, spectrogram.hop, len(self.filters))
        fit = MelFit(self.filters, mel_BMF.transpose(1, 2).exp())
        audio = griffin_lim(fit.magnitudes(), frames, self.iterations, fit.gains)
        spare = (frames.size - frames.hop) // 2
        return audio[:, spare : spare + mel_BMF.shape[-1] * frames.hop]

    @property
    def filters(self) -> torch.Tensor:
        """The mel filters (K, M), up to the first bin that none of them hears."""
        filters: torch.Tensor = self.mel_transform.mel_scale.fb[: self.bins]
        return filters

    def magnitudes(self, energies_BFM: torch.Tensor) -> torch.Tensor:
        """STFT magnitudes (B, F, K) whose mel energies are the given ones, as smooth as the filters allow."""
        return MelFit(self.filters, energies_BFM).magnitudes()


class MelFit:
    """Moves magnitudes towards mel energies (B, F, M) that they are to have, through ``filters_KM``."""

    def __init__(self, filters_KM: torch.Tensor, energies_BFM: torch.Tensor) -> None:
        self._filters_KM, self._shape = filters_KM, energies_BFM.shape[:2]
        self._energies_RM = energies_BFM.flatten(0, 1)
        self._hears = MelBands(filters_KM)
        self._answers = MelBands(filters_KM / filters_KM.sum(dim=1, keepdim=True).clamp(min=_TINY))

    def magnitudes(self) -> torch.Tensor:
        """Magnitudes (B, F, K) that have these energies, as smooth as the filters allow."""
        filters_KM = self._filters_KM
        # Straight lines between the filters' centres.
        magnitudes = (self._energies_RM / filters_KM.sum(dim=0)) @ (filters_KM / filters_KM.amax(dim=0)).T
        magnitudes_BFK: torch.Tensor = magnitudes.unflatten(0, self._shape)
        for _ in range(FIT_STEPS):
            magnitudes_BFK.mul_(self.gains(magnitudes_BFK.square()))
        return magnitudes_BFK

    def gains(self, powers_BFK: torch.Tensor) -> torch.Tensor:
        """What to multiply magnitudes with, whose squares are given (and overwritten): (B, F, K).

        It is one multiplicative step towards the least Kullback-Leibler divergence of their energies. Magnitudes stay
        non-negative by it, and where no filter is they become zero.
        """
        reached = self._hears.energies(powers_BFK.add_(MAGNITUDE_FLOOR).sqrt_().flatten(0, 1))
        ratio = torch.div(self._energies_RM, reached.clamp_(min=MEL_FLOOR), out=reached)
        gains: torch.Tensor = self._answers.spread(ratio).unflatten(0, self._shape)
        return gains


class MelFrames:
    """Analysis and least-squares synthesis with one window and hop, of the lowest ``bins`` frequencies (else of all).

    The hop divides the window's length.
    """

    def __init__(self, window: torch.Tensor, hop: int, bins: int | None = None) -> None:
        self.window, self.hop, self.size, self.bins = window, hop, len(window), bins
        self._known: tuple[int, torch.Tensor] | None = None

    def spectra(self, audio_BN: torch.Tensor) -> torch.Tensor:
        """Complex spectra (B, F, K)."""
        spectra: torch.Tensor = torch.fft.rfft(audio_BN.unfold(-1, self.size, self.hop) * self.window)
        return spectra[..., : self.bins]

    def audio(self, spectra_BFK: torch.Tensor) -> torch.Tensor:
        """Audio (B, (F - 1) * hop + W) whose spectra come nearest to the given ones."""
        pieces = torch.fft.irfft(spectra_BFK, n=self.size).mul_(self.window)
        return self._add(pieces).div_(self._norm(pieces.shape[1]))

    def _norm(self, count: int) -> torch.Tensor:
        """What overlapping windows add up to, the same in every round."""
        if self._known is None or self._known[0] != count:
            norm = self._add((self.window**2).expand(1, count, -1)).clamp_(min=_TINY)
            self._known = count, norm
        return self._known[1]

    def _add(self, pieces_BFW: torch.Tensor) -> torch.Tensor:
        rows, count, _ = pieces_BFW.shape
        parts = pieces_BFW.unflatten(-1, (-1, self.hop))
        whole = pieces_BFW.new_zeros(rows, count + parts.shape[2] - 1, self.hop)
        for shift, part in enumerate(parts.unbind(2)):
            whole[:, shift : shift + count] += part
        return whole.flatten(1)


def griffin_lim(
    magnitudes_BFK: torch.Tensor, frames: MelFrames, iterations: int, gains: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Audio (B, N) that begins at the given magnitudes; ``gains`` corrects those of every round, by their squares."""
    rows, count, bins = magnitudes_BFK.shape
    spectra = magnitudes_BFK.new_zeros(rows, count, frames.size // 2 + 1, dtype=torch.complex64)
    heard = spectra[..., :bins]  # silence above it, which is written once
    heard.copy_(torch.polar(magnitudes_BFK, first_phases(magnitudes_BFK, frames)))
    before = torch.zeros_like(heard)
    for _ in range(iterations):
        consistent = frames.spectra(frames.audio(spectra))
        ahead = torch.view_as_real(before).lerp_(torch.view_as_real(consistent), 1 + MOMENTUM)
        real, imaginary = ahead.unbind(-1)
        torch.mul(before, gains(real.square().addcmul_(imaginary, imaginary)), out=heard)
        before = consistent
    return frames.audio(spectra)


def first_phases(magnitudes_BFK: torch.Tensor, frames: MelFrames) -> torch.Tensor:
    """Phases (B, F, K) as if a steady tone sat under every peak of every frame's spectrum.

    A peak's frequency comes from a parabola through the logarithms of it and its neighbours; its phase goes on from the
    frame before, and the bins around it are locked to it with alternating sign, as a tone in mid-frame has them.
    """
    bins = torch.arange(magnitudes_BFK.shape[-1], device=magnitudes_BFK.device)
    peaks_BFK = nearest_peaks(magnitudes_BFK)
    levels = torch.log(magnitudes_BFK + _TINY)
    below, at, above = (levels.gather(-1, (peaks_BFK + near).clamp(0, len(bins) - 1)) for near in (-1, 0, 1))
    bend = (below - 2 * at + above).clamp(max=-_TINY)
    offset = (0.5 * (below - above) / bend).clamp(-0.5, 0.5)
    step = 2 * math.pi * frames.hop / frames.size * (peaks_BFK + offset)
    phases = torch.empty_like(magnitudes_BFK)
    running = torch.zeros_like(magnitudes_BFK[:, 0])
    for frame in range(magnitudes_BFK.shape[1]):
        peak = peaks_BFK[:, frame]
        running = (running.gather(-1, peak) + step[:, frame]) % (2 * math.pi)
        phases[:, frame] = running + math.pi * (bins - peak).abs()
    return phases


def nearest_peaks(magnitudes_BFK: torch.Tensor) -> torch.Tensor:
    """The nearest local maximum of every bin's frame; the lowest or highest bin where a frame has none."""
    last = magnitudes_BFK.shape[-1] - 1
    bins = torch.arange(last + 1, device=magnitudes_BFK.device).expand_as(magnitudes_BFK)
    inner = magnitudes_BFK[..., 1:-1]
    is_peak = F.pad((inner > magnitudes_BFK[..., :-2]) & (inner >= magnitudes_BFK[..., 2:]), (1, 1))
    below = torch.where(is_peak, bins, -last).cummax(dim=-1).values
    above = torch.where(is_peak, bins, 2 * last).flip(-1).cummin(dim=-1).values.flip(-1)
    return torch.where(bins - below <= above - bins, below, above).clamp(0, last)
