from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.music import song
from tests.label.answers import silence
from tunesmith.audio.write import write
from tunesmith.data.labels import ClipMeasurements
from tunesmith.data.sample import AudioRef
from tunesmith.label.key import NAMES, find_key
from tunesmith.label.measured import measure_clip
from tunesmith.pocket.synth import render
from tunesmith.pocket.synth import sounds as s
from tunesmith.pocket.synth.score import MAJOR, MINOR, Score, scale_note


def measured(folder: Path, audio: np.ndarray, rate: int) -> ClipMeasurements:
    write(folder / "a.wav", audio.T, rate)
    return measure_clip(AudioRef(str(folder / "a.wav")), len(audio) / rate)


def cadence(root: int, scale: tuple[int, ...], rate: int) -> np.ndarray:
    """I IV V I with its bass, 9.6 s, (samples, 2)."""
    score = Score(9.6, rate, 100.0, np.random.default_rng(0))
    for bar, degree in enumerate((0, 3, 4, 0)):
        for offset in (0, 2, 4):
            score.add(s.electric_piano(scale_note(root, scale, degree + offset), rate, 0.6), 4 * bar, 0.3)
        score.add(s.held(scale_note(root - 24, scale, degree), 2.4, rate, s.saw(4, 1.2), 0.01), 4 * bar, 0.2)
    return score.finish(drive=1.0, peak=0.9)


@pytest.mark.parametrize("seed", range(6))
def test_the_tempo_of_808_beats_is_right_within_half_a_bpm(tmp_path: Path, seed: int) -> None:
    clip = render("trap808", 10.0, seed, 16000)
    found = measured(tmp_path, clip.audio, 16000)
    assert found.bpm == pytest.approx(clip.bpm, abs=0.5)
    assert "deep bass" in found.words


@pytest.mark.parametrize("seed", range(3))
def test_the_tempo_of_a_band_off_every_grid_is_right_within_half_a_bpm(tmp_path: Path, seed: int) -> None:
    bpm = np.random.default_rng(seed).uniform(88, 150)
    assert measured(tmp_path, song(seed, 12.0), 16000).bpm == pytest.approx(bpm, abs=0.5)


@pytest.mark.parametrize(("scale", "mode"), [(MAJOR, "major"), (MINOR, "minor")])
def test_a_cadence_tells_its_key_in_all_twelve(scale: tuple[int, ...], mode: str) -> None:
    for root in range(48, 60):
        name, gap = find_key(cadence(root, scale, 16000).mean(axis=1), 16000)
        assert name == f"{NAMES[root % 12]} {mode}"
        assert gap > 0.1


def test_rumble_below_hearing_does_not_change_the_key() -> None:
    music = cadence(57, MINOR, 16000).mean(axis=1)
    rumble = 0.5 * np.sin(2 * np.pi * 9 * np.arange(len(music)) / 16000)
    clean, rumbling = find_key(music, 16000), find_key(music + rumble, 16000)
    assert rumbling[0] == clean[0] == "A minor"
    assert rumbling[1] == pytest.approx(clean[1], abs=0.02)


def test_the_key_is_told_only_where_it_leads_clearly(tmp_path: Path) -> None:
    told = measured(tmp_path, cadence(57, MINOR, 16000), 16000)
    assert told.key == "A minor"
    assert told.key_gap is not None
    assert told.key_gap >= 0.1
    noise = 0.1 * np.random.default_rng(0).standard_normal((16000 * 5, 2))
    untold = measured(tmp_path, noise, 16000)
    assert (untold.key, untold.bpm) == (None, None)
    assert untold.key_gap is not None
    assert untold.key_gap < 0.1


def test_words_are_given_at_the_ends_of_the_range_only(tmp_path: Path) -> None:
    pads = measured(tmp_path, render("ambient", 8.0, 1, 16000).audio, 16000)
    beat = measured(tmp_path, render("breaks", 8.0, 1, 16000).audio, 16000)
    assert "calm" in pads.words
    assert "energetic" in beat.words
    assert "deep bass" not in pads.words + beat.words
    assert "energetic" not in measured(tmp_path, 0.3 * render("breaks", 8.0, 1, 16000).audio, 16000).words
    assert measured(tmp_path, 0.003 * render("ambient", 8.0, 1, 16000).audio, 16000).words == ()


def test_silence_measures_as_nothing(tmp_path: Path) -> None:
    silence(tmp_path / "s.wav", 4.0)
    found = measure_clip(AudioRef(str(tmp_path / "s.wav")), 4.0)
    assert (found.bpm, found.key, found.words) == (None, None, ())


def test_a_long_clip_is_measured_in_its_middle_and_keeps_its_length(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tunesmith.label.measured.LONGEST_S", 6.0)
    audio = render("trap808", 12.0, 0, 16000).audio.copy()
    audio[: 3 * 16000] = audio[-3 * 16000 :] = 0
    found = measured(tmp_path, audio, 16000)
    assert found.seconds == 12.0
    assert found.lufs == pytest.approx(measured(tmp_path, audio[3 * 16000 : -3 * 16000], 16000).lufs, abs=0.3)


def test_measurements_survive_the_file() -> None:
    known = ClipMeasurements(12.5, 150.0, 0.9, None, 0.04, -9.5, 240.0, 0.9, 2.5, ("energetic", "deep bass"))
    assert ClipMeasurements.from_json(known.to_json()) == known
    assert "key" not in known.to_json()
