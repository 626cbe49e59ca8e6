from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.speech.talk import HIGH, LOW, RATE, espeak, needs_espeak, talk
from tunesmith.speech.speaker_vector import MFCC, mean_voice, mfcc_statistics, similarity

ONE, TWO = "the rain came down on the town, nobody was there", "seven dogs slept by a warm fire, all through the night"


def test_one_voice_is_told_from_another():
    low, low_again, high = (mfcc_statistics(talk(t, v)[0], RATE) for t, v in ((ONE, LOW), (TWO, LOW), (TWO, HIGH)))
    assert similarity(low, low_again) > 0.6
    assert similarity(low, high) < similarity(low, low_again) - 0.2


def test_level_and_sample_rate_make_no_difference():
    from tunesmith.audio.resample import resample

    mono = talk(ONE)[0]
    assert similarity(mfcc_statistics(mono, RATE), mfcc_statistics(0.05 * mono, RATE)) > 0.999
    at_24k = resample(mono[None], RATE, 24_000)[0]
    assert similarity(mfcc_statistics(mono, RATE), mfcc_statistics(at_24k, 24_000)) > 0.95


def test_too_little_speech_has_no_voice():
    assert np.isnan(mfcc_statistics(talk("no")[0], RATE)).all()
    assert np.isnan(mfcc_statistics(np.zeros(RATE, np.float32), RATE)).all()
    assert np.isnan(mfcc_statistics(np.zeros(0, np.float32), RATE)).all()
    assert np.isnan(similarity(mfcc_statistics(np.zeros(RATE, np.float32), RATE), np.ones(32)))
    assert np.isnan(similarity(None, np.ones(32)))


def test_mean_voice_weighs_recordings_alike_and_leaves_out_the_silent():
    mean = mean_voice([np.array([2.0, 0.0]), np.array([0.0, 1.0]), np.array([np.nan, 1.0])])
    assert mean == pytest.approx([0.5, 0.5])
    assert mean_voice([np.array([np.nan, 0.0])]) is None


@needs_espeak
def test_espeak_voices_are_told_apart():
    texts = ("the rain came down hard, and nobody had an umbrella", "we packed our bags, locked the door, and left")
    for voice, other in (("en-us+m3", "en-us+f4"), ("en-us+f2", "en-us+croak")):
        mine = [mfcc_statistics(espeak(text, voice)[0], 24_000) for text in texts]
        theirs = mfcc_statistics(espeak(texts[1], other)[0], 24_000)
        assert similarity(*mine) > 0.5
        assert similarity(mine[0], theirs) < 0.3
    assert MFCC.name == "MFCC statistics"
