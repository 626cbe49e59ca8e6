"""Clips of the base styles, rendered and encoded once; pretraining then touches only their codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE, render

if TYPE_CHECKING:
    from transformers import EncodecModel


@dataclass(frozen=True)
class Corpus:
    """Codes (clips, K, T) with one caption each."""

    codes: torch.Tensor
    captions: list[str]


def render_mono(style: str, seconds: float, seed: int, sample_rate: int) -> tuple[np.ndarray, str]:
    """A clip mixed to mono, and its caption."""
    clip = render(style, seconds, seed, sample_rate)
    return clip.audio.mean(axis=1), clip.caption


def codec_waves(sample_rate: int, clips: int = 16, seconds: float = 8.0) -> torch.Tensor:
    """Audio of every style, the example style too: a codec is general, only the decoder must not know the style."""
    styles = (*BASE_STYLES, EXAMPLE_STYLE)
    audio = [render_mono(style, seconds, 500_000 + i, sample_rate)[0] for style in styles for i in range(clips)]
    return torch.from_numpy(np.stack(audio))


@torch.no_grad()
def encode(codec: EncodecModel, audio: torch.Tensor) -> torch.Tensor:
    """Codes (clips, K, T) of equally long clips (clips, samples)."""
    encoded: list[Any] = [codec.encode(batch[:, None]) for batch in audio.split(8)]
    return torch.cat([part.audio_codes[0] for part in encoded])


def make_corpus(
    codec: EncodecModel,
    styles: tuple[str, ...],
    clips: int,
    first_seed: int,
    seconds: float = 12.0,
    advance: Callable[[], None] = lambda: None,
) -> Corpus:
    """``clips`` clips of each style, encoded; ``advance`` is called after each clip."""
    codes, captions = [], []
    for style in styles:
        for seed in range(first_seed, first_seed + clips):
            audio, caption = render_mono(style, seconds, seed, codec.config.sampling_rate)
            codes.append(encode(codec, torch.from_numpy(audio)[None]).to(torch.int16))
            captions.append(caption)
            advance()
    return Corpus(torch.cat(codes), captions)
