"""Samples codes from MusicGen's decoder with a key-value cache, classifier-free guidance and one seed per item.

transformers' ``generate`` hides the codes, scrambles several sequences per prompt, ignores static caches and runs the
prompt twice; this loop is short enough to own. Its step is decoding.py's. Shapes as in objective.py; S decoding steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tunesmith.data.item_rng import key_of
from tunesmith.families.musicgen.config import MusicGenConfig
from tunesmith.families.musicgen.decoding import CachedDecoder, Captions
from tunesmith.families.musicgen.objective import caption_mask


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn: guidance 1 and temperature 0 mean off and greedy."""

    guidance: float
    temperature: float
    top_k: int


@dataclass(frozen=True)
class SamplerConditions:
    """Text states (B, L, D) with their mask (B, L); padded rows do not change a result."""

    text: torch.Tensor
    mask: torch.Tensor


class CodeSampler:
    """Draws codes for a batch of prompts.

    Args:
        network: The trained part (adapter attached or not), on its device, in eval mode.
        config: Sizes and delays.
    """

    def __init__(self, network: Any, config: MusicGenConfig) -> None:
        self.network, self.config = network, config
        self.device = next(network.parameters()).device

    @torch.no_grad()
    def sample(
        self,
        conditions: SamplerConditions,
        frames: int,
        seeds: Sequence[int],
        sampling: Sampling,
        *,
        prompt: np.ndarray | None = None,
        offset: int = 0,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Codes (B, K, frames) int64, the first ones being ``prompt`` (B, K, P) where given.

        ``offset`` is the window's position in a longer piece; it keys the noise, so that every window draws anew.
        """
        c = self.config
        known = 0 if prompt is None else prompt.shape[-1]
        steps = frames + max(c.delays)
        sequence = torch.full((len(seeds), c.num_codebooks, steps + 1), c.pad, dtype=torch.long, device=self.device)
        if prompt is not None:
            for k, shift in enumerate(c.delays):
                sequence[:, k, 1 + shift : 1 + shift + known] = torch.from_numpy(prompt[:, k]).to(self.device)
        noise = self._noise(seeds, steps, offset)
        decoder = CachedDecoder(self.network, self._captions(conditions, sampling), steps)
        first, shifts = (torch.tensor(values, device=self.device) for values in ([known], c.delays))
        position = torch.arange(steps, device=self.device)
        drawn = (position >= first + shifts[:, None]) & (position < frames + shifts[:, None])
        done = 0
        for step in range(known, steps):
            logits = decoder.logits(sequence[..., done : step + 1])
            done = step + 1
            codes = _draw(_guide(logits, sampling.guidance), noise[:, :, step], sampling)
            sequence[..., done] = torch.where(drawn[:, step], codes, sequence[..., done])
            if progress is not None:
                progress(1)
        return torch.stack([sequence[:, k, 1 + s : 1 + s + frames] for k, s in enumerate(c.delays)], 1).cpu().numpy()

    def _noise(self, seeds: Sequence[int], steps: int, offset: int) -> torch.Tensor:
        """Uniform numbers (B, K, S), each row from its own seed, so a result never depends on the rest of the batch."""
        shape = (self.config.num_codebooks, steps)
        rows = [
            np.random.Generator(np.random.Philox(key=key_of(seed, offset, "sample"))).random(shape) for seed in seeds
        ]
        return torch.from_numpy(np.stack(rows)).to(self.device, _exact(self.device))

    def _captions(self, conditions: SamplerConditions, sampling: Sampling) -> Captions:
        """What cross-attention reads; guidance adds as many rows again, with the null condition."""
        mask = conditions.mask.to(self.device)
        text = conditions.text.to(self.device, next(self.network.parameters()).dtype)
        readable = caption_mask(mask, 1, is_whole=bool(conditions.mask.all()))
        return Captions(self.network.project(text, mask), readable, len(mask) * (1 if sampling.guidance == 1 else 2))


def _exact(device: torch.device) -> torch.dtype:
    """The widest float of a device: Apple GPUs have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def _guide(logits: torch.Tensor, guidance: float) -> torch.Tensor:
    if guidance == 1:
        return logits
    with_text, without = logits.chunk(2)
    return without + guidance * (with_text - without)


def _draw(logits_BKV: torch.Tensor, noise_BK: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Codes (B, K): greedy at temperature 0, else the inverse of the top-k distribution function at ``noise``."""
    if sampling.temperature == 0:
        return logits_BKV.argmax(-1)
    values, codes = logits_BKV.topk(min(sampling.top_k, logits_BKV.shape[-1]), dim=-1)
    values = values.to(_exact(values.device))
    cumulative = torch.softmax(values / sampling.temperature, dim=-1).cumsum(-1)
    choice = torch.searchsorted(cumulative, (noise_BK * cumulative[..., -1])[..., None], right=True)
    return codes.gather(-1, choice.clamp(max=values.shape[-1] - 1))[..., 0]


def long_form(
    sample_window: Callable[[int, np.ndarray | None, int], np.ndarray], frames: int, window: int, stride: int
) -> np.ndarray:
    """Codes (B, K, frames) of any length by AudioCraft's sliding window.

    Each further window is given the last ``window - stride`` frames as its prompt and adds up to ``stride`` new ones.
    ``sample_window(length, prompt, offset)`` returns ``length`` frames beginning with the prompt.
    """
    codes = sample_window(min(frames, window), None, 0)
    while codes.shape[-1] < frames:
        offset = codes.shape[-1] - (window - stride)
        length = min(window, frames - offset)
        codes = np.concatenate([codes[..., :offset], sample_window(length, codes[..., offset:], offset)], axis=-1)
    return codes
