"""Outputs that lie nearer to training clips than held-out clips do, against chance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.evaluation.music import RATE, measured, song
from tunesmith.evaluation.diagnosis import RunData, judge_run
from tunesmith.evaluation.sound.compare import HeardSets, compare_sound
from tunesmith.evaluation.sound.embedding import window_vectors
from tunesmith.evaluation.sound.memorised import KnownClip, by_recording, nearest_clips
from tunesmith.records.sound_comparison import NearestClips, SoundComparison
from tunesmith.report.sound_section import sound_rows

SIGNALS = [measured(20)]


@cache
def windows(seed: int) -> np.ndarray:
    return window_vectors(song(seed), RATE)


def known(training: int = 12, held_out: int = 4) -> list[KnownClip]:
    return [KnownClip(f"{i}.wav", i >= training, windows(i)) for i in range(training + held_out)]


def taken(seeds, noise: float = 1e-4) -> list[np.ndarray]:
    """Crops of 5 s with noise, from within their songs."""
    rng = np.random.default_rng(0)
    starts = [int(rng.integers(0, 3 * RATE)) for _ in seeds]
    crops = [song(seed)[at : at + 5 * RATE] for seed, at in zip(seeds, starts, strict=True)]
    return [window_vectors(crop + noise * rng.standard_normal(crop.shape), RATE) for crop in crops]


def names(near: NearestClips | None) -> set[str]:
    return {finding.name for finding in judge_run(RunData(None, SIGNALS, sound=SoundComparison(nearest=near)))}


def test_crops_of_training_clips_are_told_and_crops_of_held_out_and_new_ones_are_not():
    copied = nearest_clips(taken(range(8)), known())
    assert (copied.outputs, copied.training, copied.held_out, copied.needed) == (8, 12, 4, None)
    assert copied.p_value <= 0.02 and copied.to_training < 0.6 * copied.held_out_to_training < copied.to_held_out
    assert "memorised" in names(copied)
    held_out = nearest_clips(taken([12, 13, 14, 15] * 2), known())
    assert held_out.p_value > 0.02 and held_out.to_held_out < held_out.to_training
    new = nearest_clips(taken(range(20, 28)), known())
    assert new.to_training == pytest.approx(new.held_out_to_training, rel=0.3)
    assert not {"memorised"} & (names(held_out) | names(new) | names(None))


def test_where_nothing_was_memorised_chance_is_as_small_as_it_says():
    rng, calls = np.random.default_rng(1), []
    for _ in range(100):
        clips = [KnownClip(str(i // 2), i >= 16, w) for i, w in enumerate(_pairs(rng, 12))]
        near = nearest_clips(_pairs(rng, 8)[::2], clips)
        calls.append((near.p_value, "memorised" in names(near)))
    assert np.mean([p <= 0.1 for p, _ in calls]) <= 0.16
    assert sum(called for _, called in calls) <= 2


def _pairs(rng: np.random.Generator, recordings: int) -> list[np.ndarray]:
    """Two clips of every recording, nearly one: as two draws they would make chance look smaller."""
    return [middle + rng.normal(0, 0.05, (6, 5)) for middle in rng.normal(0, 1, (recordings, 5)) for _ in range(2)]


def test_many_clips_of_one_recording_are_one_draw():
    assert by_recording([1.0, 5.0, 3.0], ["b", "a", "b"]).tolist() == [5.0, 2.0]
    often = nearest_clips(taken(range(20, 28)), [*known(), *known()[12:] * 5])
    ways = often.p_value * 495  # of choosing eight outputs from among themselves and four recordings
    assert often.held_out == 24 and 1 < ways < 494 and ways == pytest.approx(round(ways))


def test_too_few_clips_tell_nothing_and_the_number_that_would_is_known():
    outputs = taken(range(8))
    few, none = nearest_clips(outputs, known(13, 3)), nearest_clips(outputs, known(16, 0))
    assert few.p_value is None and none.p_value is None and (few.needed, none.needed) == (4, 4)
    assert none.to_held_out is None and none.held_out_to_training is None and none.to_training > 0
    assert nearest_clips(outputs[:3], known()).p_value is None and nearest_clips(outputs[:3], known()).needed is None
    # Six held-out clips of two recordings leave 45 ways to exchange them with eight outputs; of three they are enough.
    of_two, of_three = (
        [*known(12, 0), *[KnownClip(f"long {i % n}", True, windows(12 + i)) for i in range(6)]] for n in (2, 3)
    )
    assert (nearest_clips(outputs, of_two).p_value, nearest_clips(outputs, of_two).needed) == (None, 9)
    assert nearest_clips(outputs, of_three).p_value <= 0.02
    assert not names(few) & {"memorised"} and nearest_clips(outputs, known(0, 4)) is None
    assert nearest_clips([], known()) is None


def test_an_effect_that_is_small_or_holds_for_held_out_clips_too_is_no_finding():
    near = nearest_clips(taken(range(8)), known())
    assert "memorised" not in names(near.model_copy(update={"to_training": 0.75 * near.held_out_to_training}))
    assert "memorised" not in names(near.model_copy(update={"p_value": 0.03}))
    # Outputs in the middle of all clips are nearer to any.
    middle = near.to_training / near.held_out_to_training * near.training_to_held_out
    assert "memorised" not in names(near.model_copy(update={"to_held_out": middle}))


class _Report:
    def __init__(self, near: NearestClips) -> None:
        self.comparison = type("C", (), {"sound": SoundComparison(nearest=near)})()


def test_the_report_shows_both_distances_and_what_would_tell():
    outputs = taken(range(8))
    (training, held_out) = sound_rows(_Report(nearest_clips(outputs, known())))
    assert "12 clips" in str(training[0]) and training[2] != "–" != training[3] and "p = " in str(held_out[0])
    assert "4 would tell" in str(sound_rows(_Report(nearest_clips(outputs, known(13, 3))))[1][0])
    assert "3 outputs: 4 would tell" in str(sound_rows(_Report(nearest_clips(outputs[:3], known())))[1][0])


def test_a_comparison_of_the_sound_holds_it_and_one_of_before_opens():
    sets = HeardSets([], [(song(i)[: 5 * RATE], RATE) for i in range(8)], [], [], [], [""] * 8, known())
    sound = compare_sound(sets, None, [])
    assert sound.nearest is not None and "memorised" in names(sound.nearest)
    before = {key: value for key, value in sound.to_json().items() if key != "nearest"}
    assert SoundComparison.model_validate(before).nearest is None


def test_takes_of_one_piece_are_one_draw_however_near_they_lie_by_chance():
    near_by_chance = song(0)[RATE : 6 * RATE]
    rng = np.random.default_rng(0)
    takes = [near_by_chance + 1e-4 * rng.standard_normal(near_by_chance.shape) for _ in range(8)]
    one = nearest_clips([window_vectors(take, RATE) for take in takes], known())
    assert (one.outputs, one.pieces, one.p_value, one.needed) == (8, 1, None, None)
    assert one.to_training < 0.6 * one.held_out_to_training and "memorised" not in names(one)
    assert "all 8 count as 1: 4 would tell" in str(sound_rows(_Report(one))[1][0])
    twice = nearest_clips([*taken(range(4)), *taken(range(4))], known())
    assert (twice.pieces, twice.p_value) == (4, pytest.approx(1 / 70)) and "memorised" in names(twice)
    assert nearest_clips(taken(range(20, 28)), known()).pieces >= 7
    assert nearest_clips(taken(range(8)), known(16, 0)).pieces is None
