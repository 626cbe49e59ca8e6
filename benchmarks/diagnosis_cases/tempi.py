"""Outputs of prompts that name a tempo: beats and MIDI pieces at that tempo, after Opus.

The pocket codec keeps too little of a beat: measured after it, one in two has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from debian import files_of, program
from diagnosis_cases import beats, coders, midi
from diagnosis_cases.material import RATE, SECONDS, Half
from diagnosis_cases.sources import FRESH, SEEN
from tunesmith.evaluation.signals import Signals, measure

STYLES = ("808", "band", "house")
_TEMPI = np.geomspace(72, 168, 12)
_FIRST_SEED = {"fit": 2000, "report": 3000, "fresh": 4000}


@dataclass(frozen=True)
class Asked:
    """Two outputs of one prompt.

    Attributes:
        style: What is played.
        bpm: The tempo that the prompt names and both are played at.
        first: Of one seed, measured.
        second: Of another.
    """

    style: str
    bpm: float
    first: Signals
    second: Signals


def asked_outputs(cache: Path, half: Half) -> list[Asked]:
    """Every style at every tempo; no half has a piece of another."""
    found = []
    for style in STYLES:
        for number, bpm in enumerate(np.round(_TEMPI)):
            seeds = (_FIRST_SEED[half] + 2 * number + take for take in (0, 1))
            first, second = (_measured(_play(cache, half, style, seed, float(bpm))) for seed in seeds)
            found.append(Asked(style, float(bpm), first, second))
    return found


def _play(cache: Path, half: Half, style: str, seed: int, bpm: float) -> np.ndarray:
    if style == "808":
        return beats.beat(seed, SECONDS, RATE, bpm)
    sources = FRESH if half == "fresh" else SEEN
    target = cache / "clips" / "asked.wav"
    soundfont = files_of(sources.soundfont, cache, "*.sf2", "*.sf3")[0]
    midi.render(midi.compose(style, seed, SECONDS, bpm), target, soundfont, program("fluidsynth"), RATE)
    audio = soundfile.read(target, always_2d=True)[0][: int(SECONDS * RATE)]
    target.unlink()
    return np.asarray(audio)


def _measured(audio: np.ndarray) -> Signals:
    return measure(coders.through_opus(audio), coders.OPUS_RATE)
