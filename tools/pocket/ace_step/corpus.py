"""What the pocket ACE-Step learns from: synthesised clips as mel spectrograms, with their captions.

Shape legend: N clips, C = 2 channels, H = 128 mel bins, F mel frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tools.pocket.progress import Advance
from tunesmith.audio.log_mel import LogMel
from tunesmith.families.ace_step.config import MEL_MAX, MEL_MIN
from tunesmith.files import read_json, write_json
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE, render

RATE = 44_100
SECONDS = 12.0
FRAMES = 1024
"""Mel frames kept of a clip (11.9 s): a multiple of the eight that make one latent frame."""
VOCODER_CONFIG: dict[str, Any] = {
    "_class_name": "MelInversion", "sampling_rate": 44_100, "n_fft": 2048, "win_length": 2048, "hop_length": 512,
    "n_mels": 128, "f_min": 40, "f_max": 16_000, "iterations": 32,
}  # fmt: skip
"""The published front end, and in place of a neural vocoder an analytic inversion, which has no weights."""
EXAMPLE_FIRST_SEED = 500_000
"""Of the example style's clips: the codec hears that style, the transformer must not. Beyond every shipped seed."""


@dataclass(frozen=True)
class RenderedSongs:
    """Clips in the order of ``styles``.

    Attributes:
        mels: Normalised log-mels (N, C, H, F), float16, on disk.
        captions: One per clip.
        styles: The style of each clip.
    """

    mels: npt.NDArray[np.float16]
    captions: list[str]
    styles: list[str]

    def of(self, styles: tuple[str, ...]) -> list[int]:
        """Numbers of the clips in any of ``styles``."""
        return [number for number, style in enumerate(self.styles) if style in styles]


def clip_mel(style: str, seed: int, seconds: float = SECONDS) -> tuple[torch.Tensor, str]:
    """Normalised log-mel (C, H, F) of a rendered clip, and its caption."""
    clip = render(style, seconds, seed, RATE)
    return normalised_mel(torch.from_numpy(clip.audio.T.copy())), clip.caption


def normalised_mel(audio: torch.Tensor) -> torch.Tensor:
    """What the codec sees (C, H, F) of audio (C, samples) at :data:`RATE`."""
    mel: torch.Tensor = (_front_end()(audio) - MEL_MIN) / (MEL_MAX - MEL_MIN) * 2 - 1
    return mel


@cache
def _front_end() -> LogMel:
    return LogMel(VOCODER_CONFIG)


def render_songs(folder: Path, clips: int, example_clips: int, seed: int, advance: Advance) -> RenderedSongs:
    """Render the clips into ``folder``, or go on where an interrupted rendering stopped.

    Args:
        folder: For ``mels.npy`` (half a megabyte per clip) and ``clips.json``.
        clips: Clips of each base style.
        example_clips: Clips of the example style, for the codec alone.
        seed: Moves the seeds of the base styles' clips.
        advance: Called with the share done and a note.
    """
    wanted = [(style, seed * 10_000 + n) for n in range(clips) for style in BASE_STYLES]
    wanted += [(EXAMPLE_STYLE, EXAMPLE_FIRST_SEED + n) for n in range(example_clips)]
    path, listing = folder / "mels.npy", folder / "clips.json"
    shape = (len(wanted), 2, 128, FRAMES)
    captions: list[str] = read_json(listing) if listing.exists() else []
    mode = "r+" if captions else "w+"
    mels = np.lib.format.open_memmap(path, mode=mode, dtype=np.float16, shape=shape)
    for number in range(len(captions), len(wanted)):
        mel, caption = clip_mel(*wanted[number])
        mels[number] = mel[..., :FRAMES].numpy()
        captions.append(caption)
        if number % 50 == 49 or number + 1 == len(wanted):
            mels.flush()
            write_json(listing, captions)
        advance((number + 1) / len(wanted), f"{number + 1} of {len(wanted)} clips")
    return RenderedSongs(mels, captions, [style for style, _ in wanted])
