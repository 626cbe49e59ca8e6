"""DNSMOS: how clean speech sounds, on the scale that people rate on.

Source: Reddy et al. 2022, "DNSMOS P.835: A Non-Intrusive Perceptual Objective Speech Quality Metric to Evaluate Noise
Suppressors"; its network and the polynomials that map it to opinion scores are those of the package speechmos.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tunesmith.ears.catalogue import DNSMOS
from tunesmith.ears.installed import weights_of
from tunesmith.ears.onnx import session

RATE = 16_000
_WINDOW_S = 9.01
_WINDOW = int(_WINDOW_S * RATE)
_VOICE = (-0.08397278, 1.22083953, 0.0052439)
_BACKGROUND = (-0.13166888, 1.60915514, -0.39604546)
_OVERALL = (-0.06766283, 1.11546468, 0.04602535)


@dataclass(frozen=True)
class SpeechOpinion:
    """Three opinion scores, from 1 (bad) to 5 (excellent); NaN where nothing could be heard."""

    voice: float
    background: float
    overall: float


class QualityEar:
    """The network of an installed ear."""

    def __init__(self) -> None:
        import torch

        self._network = session(weights_of(DNSMOS) / "sig_bak_ovr.onnx", torch.get_num_threads())

    def rate(self, samples: np.ndarray) -> SpeechOpinion:
        """Rate one recording.

        Args:
            samples: (N,) float at 16 kHz, full scale ±1. What is shorter than 9 s is repeated, of what is longer every
                window of 9 s is rated, one a second, and the mean counts.
        """
        samples = np.clip(np.asarray(samples, np.float32), -1, 1)
        if not len(samples):
            return SpeechOpinion(math.nan, math.nan, math.nan)
        while len(samples) < _WINDOW:
            samples = np.concatenate([samples, samples])
        heard = [
            self._network.run(None, {"input_1": samples[None, start : start + _WINDOW]})[0][0]
            for start in window_starts(len(samples))
        ]
        voice, background, overall = (
            float(np.mean(np.polyval(polynomial, [float(each[place]) for each in heard])))
            for place, polynomial in enumerate((_VOICE, _BACKGROUND, _OVERALL))
        )
        return SpeechOpinion(voice, background, overall)


def window_starts(samples: int) -> list[int]:
    """Where the windows over so many samples begin, one a second.

    The original's sums in seconds round some windows down to a sample too few and leave them out; so does this, as
    scores are compared with published ones.
    """
    hops = max(1, math.ceil(samples // RATE - _WINDOW_S))
    whole = [hop for hop in range(hops) if int((hop + _WINDOW_S) * RATE) - hop * RATE == _WINDOW]
    return [hop * RATE for hop in whole if hop * RATE + _WINDOW <= samples]
