from __future__ import annotations

import math

import numpy as np
import pytest

from tests.evaluation.speech.talk import RATE, talk
from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.speech.duration import (
    active,
    expected_seconds,
    floor_db,
    likely_seconds,
    spoken_seconds,
    stretches,
)

TEXT = "the rain came down, and the dog slept, all through the night"


def test_stretches_follow_the_pauses():
    found = stretches(talk(TEXT, pace=0.2, pause=0.4), RATE)
    assert [round(end - start, 1) for start, end in found] == [0.8, 0.8, 0.8]
    assert found[0][0] == pytest.approx(0.1, abs=0.03)
    assert spoken_seconds(talk(TEXT, pace=0.2, pause=0.4), RATE) == pytest.approx(2.4, abs=0.1)


def test_pauses_ends_and_level_do_not_count():
    quiet = 0.01 * np.pad(talk(TEXT, pause=0.8), ((0, 0), (RATE, 2 * RATE)))
    assert spoken_seconds(quiet, RATE) == pytest.approx(spoken_seconds(talk(TEXT), RATE), rel=0.03)


def test_short_gaps_are_no_pauses_and_clicks_no_speech():
    assert len(stretches(talk(TEXT, pause=0.05), RATE)) == 1
    click = talk(TEXT)
    click[0, -200:] = 0.5
    assert len(stretches(click, RATE)) == 3


def test_the_floor_follows_the_noise_between_words_and_not_the_ends():
    speech, rng = talk(TEXT), np.random.default_rng(0)
    hiss = rng.standard_normal(speech.shape).astype(np.float32)
    assert floor_db(speech, RATE) == -40.0
    quieter, louder = (floor_db(speech + level * hiss, RATE) for level in (0.004, 0.01))
    assert louder - quieter == pytest.approx(20 * np.log10(0.01 / 0.004), abs=1.0)
    padded = np.pad(speech + 0.01 * hiss, ((0, 0), (RATE, RATE)))
    assert floor_db(padded, RATE) == pytest.approx(louder, abs=1.0)
    assert math.isnan(floor_db(np.zeros((1, RATE)), RATE))


def test_silence_and_nothing():
    assert stretches(np.zeros((1, RATE), np.float32), RATE) == []
    assert stretches(np.zeros((1, 10), np.float32), RATE) == []
    assert not active(np.full((1, RATE), np.nan), RATE).any()


def test_a_true_recording_decides_before_the_speaking_rate():
    known = expected_seconds("clone", "one two three four", "one two", 1.0, 3.5)
    assert (known.seconds, known.known) == (3.5, True)
    by_rate = expected_seconds("clone", "one two three four five six", "one two three", 1.5, None)
    assert (by_rate.seconds, by_rate.known) == (3.0, False)


@pytest.mark.parametrize("edit", ["speed", "denoise"])
def test_edits_whose_prompt_tells_nothing(edit):
    assert math.isnan(expected_seconds(edit, "one two three", "one two three", 2.0, None).seconds)
    assert expected_seconds(edit, "", "", 2.0, 1.5).seconds == 1.5


def test_without_texts_an_edit_keeps_its_length_and_a_clone_cannot_be_told():
    assert expected_seconds("emotion", "", "", 2.0, None).seconds == 2.0
    assert math.isnan(expected_seconds("clone", "one two three", "", 2.0, None).seconds)
    assert math.isnan(expected_seconds("clone", "one two three", "yes", 2.0, None).seconds)


def test_likely_seconds_come_from_the_manifest():
    audios = {"prompt": AudioRef("p.wav", duration=2.0), "audio": AudioRef("a.wav", duration=5.0)}
    sample = Sample("a", audios, {"caption": "one two three four", "prompt_text": "one two three"})
    assert likely_seconds(Prompt("one two three four", "held_out", sample, voice=sample)) == 5.0
    assert likely_seconds(Prompt("one two three four five six", "user", voice=sample)) == 4.0
    assert likely_seconds(Prompt("one two three", "user")) is None
