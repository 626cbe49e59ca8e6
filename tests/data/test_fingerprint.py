"""Copies are found wherever they lie; music of one kind is not a copy."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
import soundfile

from tests.evaluation.music import RATE, song
from tunesmith.data import shared_peaks
from tunesmith.data.fingerprint import THRESHOLD, FingerprintIndex, landmarks, near_duplicates

SEEDS = range(8)
MARKS = {f"song {seed}": landmarks(song(seed), RATE) for seed in SEEDS}


@pytest.fixture(scope="module")
def index() -> FingerprintIndex:
    index = FingerprintIndex()
    for key, marks in MARKS.items():
        index.add(key, marks)
    return index


def vorbis(x: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, x, RATE, format="OGG", subtype="VORBIS", compression_level=1.0)
    file.seek(0)
    return soundfile.read(file)[0]


def noisy(x: np.ndarray) -> np.ndarray:
    return x + np.random.default_rng(0).standard_normal(x.shape) * np.sqrt((x**2).mean()) * 10 ** (-12 / 20)


def beat(seed: int, kit: int = 0, bpm: float = 140.0, seconds: float = 8.0) -> np.ndarray:
    """Drum samples of one kit, placed differently for every seed, at one tempo."""
    rng, sounds = np.random.default_rng(seed), np.random.default_rng(kit)
    time = np.arange(RATE // 4) / RATE
    kick = np.sin(2 * np.pi * (50 * time + 6 * (1 - np.exp(-30 * time)))) * np.exp(-8 * time)
    snare, hat = (sounds.standard_normal(RATE // 4) * np.exp(-speed * time) for speed in (25, 80))
    out, step = np.zeros(int(seconds * RATE) + RATE), 15 / bpm
    pattern = rng.random((3, 16)) < np.array([[0.25], [0.1], [0.6]])
    for number in range(int(seconds / step)):
        first = int(number * step * RATE)
        for sound, gain, row in zip((kick, snare, hat), (0.8, 0.4, 0.15), pattern, strict=True):
            if row[number % 16] or rng.random() < 0.08:
                out[first : first + len(sound)] += gain * sound
        if rng.random() < 0.4:
            tone = np.sin(2 * np.pi * 220 * 2 ** (rng.integers(24) / 12) * time) * np.exp(-5 * time)
            out[first : first + len(tone)] += 0.25 * tone
    return out[: int(seconds * RATE)]


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda x: x, 0.99),
        (lambda x: 0.1 * x[:, 0], 0.3),
        (lambda x: x[int(2.37 * RATE) : int(6.1 * RATE)], 0.25),
        (vorbis, 0.2),
        (noisy, 0.1),
        (lambda x: np.concatenate([np.zeros((RATE, 2)), x]), 0.5),
    ],
    ids=["same", "one quiet channel", "crop", "vorbis", "noise", "delayed"],
)
def test_a_copy_is_found(index, change, least):
    for seed in SEEDS:
        match = index.query(landmarks(change(song(seed)), RATE))
        assert match is not None
        assert match.key == f"song {seed}"
        assert match.score > least


def test_the_offset_tells_where(index):
    match = index.query(landmarks(song(1)[3 * RATE : 7 * RATE], RATE))
    assert match.offset_s == pytest.approx(3.0, abs=0.05)
    late = index.query(landmarks(np.concatenate([np.zeros((RATE, 2)), song(1)]), RATE))
    assert late.offset_s == pytest.approx(-1.0, abs=0.05)


def test_the_sample_rate_does_not_matter(index):
    assert index.query(landmarks(song(2, rate=44_100)[:, 0], 44_100), skip="song 2") is None
    double = np.repeat(song(2), 2, axis=0)
    assert index.query(landmarks(double, 2 * RATE)).key == "song 2"


def test_other_songs_are_no_copies(index):
    assert near_duplicates(MARKS) == []
    assert [index.query(landmarks(song(seed), RATE)) for seed in range(50, 62)] == [None] * 12


def test_beats_of_one_tempo_and_kit_are_no_copies():
    marks = {str(seed): landmarks(beat(seed), RATE) for seed in range(16)}
    assert near_duplicates(marks) == []
    assert near_duplicates({**marks, "copy": landmarks(noisy(beat(5)), RATE)})[0][:2] == ("5", "copy")


def test_a_shared_one_shot_is_no_copy():
    def tagged(seed: int) -> np.ndarray:
        audio, tag = song(seed)[: 4 * RATE].copy(), song(99)[: int(1.1 * RATE)]
        audio[RATE : RATE + len(tag)] = 1.5 * tag
        return audio

    assert near_duplicates({str(seed): landmarks(tagged(seed), RATE) for seed in range(6)}) == []


def test_a_cut_between_two_frames_is_found_as_well(index):
    start = int(86.5 * 256 / 11_025 * RATE)
    scores = [index.query(landmarks(song(seed)[start : start + 4 * RATE], RATE)).score for seed in SEEDS]
    assert min(scores) > THRESHOLD
    assert np.mean(scores) > 0.22


def test_an_exact_loop_is_found_in_its_copy():
    bar = beat(3, seconds=16 * 15 / 140)
    loop = np.tile(bar, 5)
    [(one, other, score)] = near_duplicates({"a": landmarks(loop, RATE), "b": landmarks(loop[RATE:], RATE)})
    assert (one, other) == ("a", "b")
    assert score > 0.5


def test_every_pair_of_a_group_is_reported_once():
    crops = {f"cut {n}": landmarks(song(4)[n * RATE : (n + 6) * RATE], RATE) for n in range(3)}
    found = near_duplicates({**MARKS, **crops})
    expected = set(itertools.combinations(["song 4", "cut 0", "cut 1", "cut 2"], 2))
    assert {(one, other) for one, other, _ in found} == expected
    assert [score for *_, score in found] == sorted((score for *_, score in found), reverse=True)
    assert all(score > THRESHOLD for *_, score in found)


def held_against_every_other(marks: dict[str, np.ndarray]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for one, other in itertools.combinations(marks, 2):
        index = FingerprintIndex()
        index.add(one, marks[one])
        index.add(other, marks[other])
        matches = [*index.matches(marks[one], skip=one), *index.matches(marks[other], skip=other)]
        if matches:
            found[one, other] = max(match.score for match in matches)
    return found


def test_no_pair_is_lost_by_choosing_whom_to_compare():
    changes = {
        "noise": noisy,
        "coded": vorbis,
        "crop": lambda x: x[int(2.37 * RATE) : int(6.1 * RATE)],
        "late": lambda x: np.concatenate([np.zeros((RATE, 2)), x]),
    }
    marks = dict(MARKS) | {f"beat {seed}": landmarks(beat(seed), RATE) for seed in range(6)}
    for seed, (name, change) in enumerate(changes.items()):
        marks[name] = landmarks(change(song(seed)), RATE)
        marks[f"{name}, a beat"] = landmarks(change(np.repeat(beat(seed)[:, None], 2, axis=1)), RATE)
    found = {(one, other): score for one, other, score in near_duplicates(marks)}
    assert found == held_against_every_other(marks)
    assert len(found) >= 2 * len(changes)


def wandering(rng: np.random.Generator, pairs: int = 400) -> np.ndarray:
    """Landmarks of a clip of its own, a few of them those that every clip has."""
    frames = np.sort(rng.integers(0, 500, pairs // 4)).repeat(4)
    first = rng.integers(4, 320, pairs // 4).repeat(4)
    second, apart = first + rng.integers(1, 80, pairs), rng.integers(2, 41, pairs)
    common = np.arange(60) % 4 + 2 | np.arange(60) // 4 << 8 | 5 << 18
    marks = np.stack([first << 18 | second << 8 | apart, frames], axis=1)
    shared = np.stack([common, rng.integers(0, 500, 15).repeat(4)], axis=1)
    both = np.concatenate([marks, shared])
    return both[np.argsort(both[:, 1], kind="stable")].astype(np.int32)


def test_what_all_clips_share_is_no_reason_to_compare_them(monkeypatch):
    rng = np.random.default_rng(0)
    clips = [wandering(rng) for _ in range(300)]
    clips.append(clips[7][rng.random(len(clips[7])) < 0.7])
    monkeypatch.setattr(shared_peaks, "_MOST_PAIRS", 20_000)
    few = {number: list(partners) for number, partners in shared_peaks.likely_copies(clips)}
    monkeypatch.setattr(shared_peaks, "_MOST_TRIPLES", 60_000)  # a part of them stands for all
    other = {number: list(partners) for number, partners in shared_peaks.likely_copies(clips)}
    for found in (few, other):
        assert found[7][0] == 300 and found[300][0] == 7
        assert sum(map(len, found.values())) < 4 * len(clips)


def test_many_copies_of_one_clip_are_all_found():
    marks = {f"{n}": MARKS["song 0"][n:] for n in range(40)}
    found = near_duplicates(marks)
    assert {later for _, later, _ in found} == set(list(marks)[1:])
    assert len(found) == 40 * 39 // 2


def test_the_threshold_is_the_callers(index):
    crop = landmarks(song(0)[: 3 * RATE], RATE)
    assert index.query(crop).key == "song 0"
    assert index.query(crop, threshold=0.99) is None


@pytest.mark.parametrize(
    "audio",
    [np.zeros(0), np.zeros(100), np.zeros(RATE), np.full((RATE, 2), np.nan)],
    ids=["nothing", "too short", "silence", "NaN"],
)
def test_what_has_no_peaks_has_no_landmarks_and_no_match(index, audio):
    marks = landmarks(audio, RATE)
    assert marks.shape == (len(marks), 2)
    assert index.query(marks) is None
    assert near_duplicates({"a": marks, "b": marks}) == []


def test_an_empty_index_answers():
    assert FingerprintIndex().query(MARKS["song 0"]) is None


def test_a_long_track_is_searched_in_pieces():
    rng = np.random.default_rng(0)
    track = np.concatenate([song(60), 0.05 * rng.standard_normal((150 * RATE, 2)), song(61)])
    index = FingerprintIndex()
    index.add("track", landmarks(track, RATE))
    match = index.query(landmarks(song(61), RATE))
    assert match is not None
    assert match.offset_s == pytest.approx(158, abs=0.1)


def test_common_hashes_cannot_flood_a_query(monkeypatch):
    monkeypatch.setattr("tunesmith.data.fingerprint._MOST_HITS", 3000)
    flooded = FingerprintIndex()
    for number in range(40):
        flooded.add(f"copy {number}", MARKS["song 0"])
    assert len(flooded.matches(MARKS["song 0"], skip="copy 3")) == 39
