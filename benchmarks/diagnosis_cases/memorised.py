"""Sets of outputs that repeat the clips that were trained on, and clean ones, judged by the rule ``memorised``.

Outputs are crops of 5 s that went through the pocket codec by themselves, own clips went through it whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diagnosis_cases import coders
from diagnosis_cases.material import RATE, Clip
from diagnosis_cases.sets import OUTPUTS, Shares, print_shares
from tunesmith.evaluation.diagnosis import RunData
from tunesmith.evaluation.diagnosis.diagnose import judge_run
from tunesmith.evaluation.sound.embedding import window_vectors
from tunesmith.evaluation.sound.memorised import FEWEST, KnownClip, nearest_clips
from tunesmith.records.sound_comparison import SoundComparison

_TRAINING, _LEAST_TRAINING = 24, 8
_CROPS, _CROP_S, _NOISE_DB = 8, 5.0, 20.0
_PLANTED = ("crops of training clips", "with noise 20 dB under them", "half of the outputs such crops")
_ONE_CLIP = "every output a crop of one training clip"


@dataclass(frozen=True)
class Heard:
    """A clip, what was cut from it and the same under noise, as vectors (W, D) of their windows after the codec."""

    name: str
    whole: np.ndarray
    crops: list[np.ndarray]
    noisy: list[np.ndarray]


def memorised_shares(cache: Path, material: Sequence[Clip], runs: int) -> dict[str, dict[str, float]]:
    """How often outputs that repeat training clips are called so, and how often others are.

    Args:
        cache: Of the material.
        material: Of one half.
        runs: Of every kind of music that has clips enough.

    Returns:
        ``recall`` and ``false_alarms``: by name the share, and beside it of how many.
    """
    recall, alarms = Shares(), Shares()
    for kind in sorted({clip.kind for clip in material if clip.profile == "music"}):
        heard = _heard(cache, [clip for clip in material if clip.kind == kind and not clip.ending])
        rng = np.random.default_rng(zlib.crc32(kind.encode()))
        for _ in range(runs if len(heard) >= _LEAST_TRAINING + FEWEST + OUTPUTS else 0):
            order = [heard[i] for i in rng.permutation(len(heard))]
            new, held_out, training = order[:OUTPUTS], order[OUTPUTS:][:FEWEST], order[OUTPUTS + FEWEST :][:_TRAINING]
            known = [KnownClip(clip.name, clip in held_out, clip.whole) for clip in (*training, *held_out)]
            for name, outputs in _sets(new, held_out, training, rng):
                shares = recall if name in (*_PLANTED, _ONE_CLIP) else alarms
                found = _is_called(outputs, known)
                shares.found[name].append(found)
                if name == _PLANTED[0]:
                    shares.found[f"{name}, {kind}"].append(found)
    figures = {"recall": recall.figures(), "false_alarms": alarms.figures()}
    print_shares(figures)
    return figures


def _heard(cache: Path, clips: Sequence[Clip]) -> list[Heard]:
    first = {clip.source: clip for clip in reversed(clips)}  # the long one of two crops of a track
    return [_hear(cache, clip) for clip in first.values()]


def _hear(cache: Path, clip: Clip) -> Heard:
    audio, size = clip.load(cache).mean(axis=1, keepdims=True), int(_CROP_S * RATE)
    rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
    starts = [int(rng.integers(0, max(len(audio) - size, 0) + 1)) for _ in range(_CROPS)]
    crops = [audio[start : start + size] for start in starts]
    noisy = [c + rng.standard_normal(c.shape) * np.sqrt(np.mean(c**2)) * 10 ** (-_NOISE_DB / 20) for c in crops[:2]]
    return Heard(
        clip.source,
        _windows(coders.tokens_of(cache, clip)),
        *([_windows(coders.encoded(c)) for c in cut] for cut in (crops, noisy)),
    )


def _windows(tokens: np.ndarray) -> np.ndarray:
    return window_vectors(coders.decoded(tokens), coders.pocket_rate())


def _sets(
    new: Sequence[Heard], held_out: Sequence[Heard], training: Sequence[Heard], rng: np.random.Generator
) -> Iterator[tuple[str, list[np.ndarray]]]:
    copied = [training[int(i)] for i in rng.integers(0, len(training), OUTPUTS)]
    once = [clip.crops[0] for clip in new]
    crops = [clip.crops[int(rng.integers(_CROPS))] for clip in copied]
    sets = (crops, [clip.noisy[n % 2] for n, clip in enumerate(copied)], crops[: OUTPUTS // 2] + once[OUTPUTS // 2 :])
    yield from zip(_PLANTED, sets, strict=True)
    yield _ONE_CLIP, _of(training[:1])
    yield "memorised, of new music", once
    yield "memorised, of crops of held-out clips", _of(held_out)
    yield "memorised, of new outputs of one piece", _of(new[:1])
    yield "memorised, of new outputs of two pieces", _of(new[:2])
    yield "memorised, of new outputs of four pieces", _of(new[:4])


def _of(clips: Sequence[Heard]) -> list[np.ndarray]:
    """As many outputs, of these clips by turns."""
    return [clips[n % len(clips)].crops[n // len(clips) % _CROPS] for n in range(OUTPUTS)]


def _is_called(outputs: Sequence[np.ndarray], known: Sequence[KnownClip]) -> bool:
    sound = SoundComparison(nearest=nearest_clips(outputs, known))
    return "memorised" in {finding.name for finding in judge_run(RunData(None, [], sound=sound))}
