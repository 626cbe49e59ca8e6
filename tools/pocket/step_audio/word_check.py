"""Which of several sentences was said: the one whose synthesised speech is nearest after warping time.

Shape legend: C mel bins, F and G frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from tools.pocket.step_audio.espeak import EspeakVoice, speak
from tools.pocket.step_audio.sentences import one_word_different
from tunesmith.families.step_audio.small import SmallConfig
from tunesmith.families.step_audio.small.codes import padded_mel

CANDIDATES = 8


def said_right(
    mel_CF: torch.Tensor, text: str, voice: EspeakVoice, config: SmallConfig, rng: np.random.Generator
) -> tuple[bool, float]:
    """Whether ``text`` is nearest among eight sentences, of which seven differ from it in one word.

    All eight are synthesised in ``voice``; chance is one in eight.

    Returns:
        That, and the distance to ``text`` as :func:`warped_distance` has it.
    """
    texts = [text, *one_word_different(text, CANDIDATES - 1, rng)]
    made = _points(mel_CF, config)
    distances = [
        warped_distance(made, _points(padded_mel(speak(candidate, voice), config), config)) for candidate in texts
    ]
    return int(np.argmin(distances)) == 0, float(distances[0])


def warped_distance(this_FC: npt.NDArray[np.float32], other_GC: npt.NDArray[np.float32]) -> float:
    """Mean absolute difference of log-mel frames along the best path of dynamic time warping, per frame of both."""
    costs = np.abs(this_FC[:, None] - other_GC[None]).mean(axis=2)
    total = np.full((len(this_FC) + 1, len(other_GC) + 1), np.inf)
    total[0, 0] = 0.0
    for row in range(1, len(this_FC) + 1):
        above = np.minimum(total[row - 1, 1:], total[row - 1, :-1])
        left = np.inf
        for column, (cost, best) in enumerate(zip(costs[row - 1].tolist(), above.tolist(), strict=True), 1):
            left = cost + min(best, left)
            total[row, column] = left
    return float(total[-1, -1] / (len(this_FC) + len(other_GC)))


def right_of(flags: Sequence[bool]) -> str:
    """``"11/13"``."""
    return f"{sum(flags)}/{len(flags)}"


def _points(mel_CF: torch.Tensor, config: SmallConfig) -> npt.NDArray[np.float32]:
    """Frames (F, C) with silence at either end left out."""
    mel = mel_CF.clamp(min=config.mel_floor).T.numpy()
    loud = np.flatnonzero(mel.mean(axis=1) > config.mel_floor + 0.5)
    return mel if len(loud) == 0 else mel[loud[0] : loud[-1] + 1]
