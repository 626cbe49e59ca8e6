"""Windowed-sinc resampling with the same kernel as torchaudio's ``Resample`` at its defaults.

Models that were trained on features of audio resampled that way get the same samples from here; everything else goes
through :mod:`tunesmith.audio.resample`. Formula: J. O. Smith, "Digital Audio Resampling", with a Hann window over six
zero crossings and a cut-off at 0.99 of the lower Nyquist rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from tunesmith.audio.stream import SoundStream, at_rate
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

ZERO_CROSSINGS, ROLLOFF = 6, 0.99
BLOCK_SECONDS = 10
"""What :func:`sinc_blocks` resamples at once."""
_BLOCKS_AT_ONCE = 1 << 19  # a minute from 24 to 16 kHz


def sinc_resample(audio: torch.Tensor, from_rate: int, to_rate: int) -> torch.Tensor:
    """Change the sample rate of ``audio`` (..., N), float32, on its own device.

    Returns:
        (..., ceil(N * to_rate / from_rate)) float32; the same tensor when the rates are equal.

    Raises:
        TunesmithError: for a rate that is not positive.
    """
    if from_rate <= 0 or to_rate <= 0:
        raise TunesmithError(
            msg("sample rates must be positive, not {from_rate} and {to_rate} Hz", from_rate=from_rate, to_rate=to_rate)
        )
    if from_rate == to_rate:
        return audio
    common = math.gcd(from_rate, to_rate)
    step, phases = from_rate // common, to_rate // common
    starts, taps = _kernel(step, phases)
    taps = taps.to(audio.device)
    length = math.ceil(audio.shape[-1] * phases / step)
    blocks = math.ceil(length / phases)
    left = -min(starts)
    right = max(0, max(starts) + (blocks - 1) * step + taps.shape[1] - audio.shape[-1])
    padded = F.pad(audio.float().reshape(-1, audio.shape[-1]), (left, right))
    out = padded.new_empty(len(padded), blocks, phases)
    # Every phase of the output has its own short kernel and steps through the input by whole blocks.
    for phase, start in enumerate(starts):
        windows = padded[:, left + start :].unfold(-1, taps.shape[1], step)
        for first in range(0, blocks, _BLOCKS_AT_ONCE):  # their product copies them
            last = min(blocks, first + _BLOCKS_AT_ONCE)
            out[:, first:last, phase] = windows[:, first:last] @ taps[phase]
    return out.flatten(1)[:, :length].reshape(*audio.shape[:-1], length)


def sinc_blocks(sound: SoundStream, from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """:func:`sinc_resample` of a sound that is read piece by piece: the same samples, one block behind the other."""
    step, phases = (rate // math.gcd(from_rate, to_rate) for rate in (from_rate, to_rate))
    starts, taps = _kernel(step, phases)
    context = max(-min(starts), max(starts) + taps.shape[1])
    for window, piece in sound.windows(BLOCK_SECONDS * from_rate, -(-context // step) * step):
        changed = sinc_resample(torch.from_numpy(np.ascontiguousarray(window)), from_rate, to_rate)
        yield changed[..., at_rate(piece, phases, step)].numpy()


@lru_cache(maxsize=16)
def _kernel(step: int, phases: int) -> tuple[list[int], torch.Tensor]:
    """First input sample of each phase's kernel relative to its block, and the kernels (phases, taps)."""
    cutoff = min(step, phases) * ROLLOFF
    reach = ZERO_CROSSINGS * step / cutoff
    # torchaudio rounds the phases to single precision, which moves the output by -106 dB; so do the models' features.
    centres = (torch.arange(phases) / phases).double()
    starts = torch.ceil(centres * step - reach)
    taps = torch.arange(int(2 * reach) + 1, dtype=torch.float64)
    crossings = ((starts[:, None] + taps) / step - centres[:, None]) * cutoff
    crossings = crossings.clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(crossings * (math.pi / 2 / ZERO_CROSSINGS)) ** 2
    kernel = torch.sinc(crossings) * window * (cutoff / step)
    return [int(start) for start in starts], kernel.float()
