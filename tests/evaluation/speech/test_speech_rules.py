"""Good speech breaks no rule; silence, hum, noise, cut and repeated speech, wrong words, another voice do."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.evaluation import failures
from tests.evaluation.speech.talk import RATE, espeak, needs_espeak, talk
from tunesmith.evaluation.collapse import collapse
from tunesmith.evaluation.diagnosis import FILE_RULES, diagnose_file, reference_of
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.speech.duration import end_db, floor_db, nuclei, spoken_seconds, stretches
from tunesmith.speech.repeats import said_again, said_again_seconds
from tunesmith.speech.syllables import clauses, syllables

TEXT = "when the bell rang, the children ran outside, and the teacher closed the door"
CHINESE = "他打开门，走进房间，坐在椅子上。"


def signals(audio: np.ndarray, rate: int, text: str, expected: float, *, known: bool = True, **other) -> SpeechSignals:
    plain, spoken = measure(audio.T, rate), spoken_seconds(audio, rate)
    values = {field.name: getattr(plain, field.name) for field in fields(Signals)} | {
        "error_rate": np.nan, "left_out": np.nan, "text_length": 0, "voice_prompt": 0.8, "voice_own": 0.7,
        "spoken_s": spoken, "duration_ratio": spoken / expected, "target_known": int(known),
        "stretches": len(stretches(audio, rate)), "clauses": clauses(text), "floor_db": floor_db(audio, rate),
        "speech_rate": syllables(text) / spoken if spoken else np.nan, "end_db": end_db(audio, rate),
        "said_again_s": said_again_seconds(audio, rate),
    }  # fmt: skip
    return SpeechSignals(**values | other)


def rules(measured: Signals) -> list[str]:
    return [verdict.rule for verdict in diagnose_file(measured, profile="speech")]


GOOD: np.ndarray = talk(TEXT)
EXPECTED = spoken_seconds(GOOD, RATE)
PARTS = [part + "," for part in TEXT.split(",")]


def spoken(audio: np.ndarray, **other) -> SpeechSignals:
    return signals(audio, RATE, TEXT, EXPECTED, **other)


def shuffled() -> np.ndarray:
    """The same frames of 20 ms in another order, as from random tokens."""
    moved = failures.shuffle_frames(GOOD.T, RATE, np.random.default_rng(0))
    return moved.T.astype(np.float32)


def twice() -> np.ndarray:
    """All but the last word comes a second time."""
    start, end = stretches(GOOD, RATE)[0][0], 0.7 * GOOD.shape[1] / RATE
    part = GOOD[:, int(start * RATE) : int(end * RATE)]
    return np.concatenate([part, np.zeros((1, RATE // 5), np.float32), GOOD], axis=1)


def test_good_speech_passes():
    assert rules(spoken(GOOD)) == []
    assert rules(spoken(talk(TEXT, pace=0.15, seed=1))) == []
    assert rules(spoken(talk(TEXT, pace=0.22, pause=0.1, seed=2))) == []
    assert rules(spoken(0.05 * GOOD)) == []


def noise(kind: str) -> np.ndarray:
    rng, count = np.random.default_rng(0), GOOD.shape[1]
    spectrum = np.fft.rfft(rng.standard_normal(count))
    if kind == "brown":
        spectrum[1:] /= np.arange(1, len(spectrum))
        spectrum[:50] = 0
    made = np.fft.irfft(spectrum, count)
    return (0.1 * made / made.std())[None].astype(np.float32)


def hum() -> np.ndarray:
    time = np.arange(GOOD.shape[1]) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 9))[None].astype(np.float32)


@pytest.mark.parametrize(
    ("audio", "rule"),
    [
        (np.zeros_like(GOOD), "silent"),
        (hum(), "drone"),
        (noise("white"), "noise"),
        (noise("brown"), "noise"),
        (GOOD + 2 * noise("white"), "noise"),
        (GOOD + 0.4 * noise("brown"), "noisy_speech"),
        (GOOD + 0.4 * hum(), "noisy_speech"),
        (GOOD[:, : GOOD.shape[1] // 2], "skipped_clause"),
        (talk(PARTS[0] + PARTS[2]), "skipped_clause"),
        (talk(PARTS[0]), "skipped_clause"),
        (np.tile(GOOD, 2), "too_long_speech"),
        (np.pad(GOOD, ((0, 0), (0, 3 * RATE))), "dead_tail"),
        (np.clip(6 * GOOD, -0.9, 0.9), "clipping"),
        (GOOD + 0.05, "dc_offset"),
        (np.where(np.arange(GOOD.shape[1]) % 999 == 5, np.nan, GOOD), "not_finite"),
    ],
)
def test_what_is_wrong_is_named(audio, rule):
    found = rules(spoken(audio.astype(np.float32)))
    assert rule in found
    if rule == "silent":
        assert found == ["silent"]


def test_the_prompt_s_rate_is_a_looser_yardstick():
    two_of_three = talk(PARTS[0] + PARTS[2])
    share = spoken_seconds(two_of_three, RATE) / EXPECTED
    assert 0.55 < share < 0.7
    assert "skipped_clause" in rules(spoken(two_of_three, known=False))  # two stretches for three clauses
    assert "skipped_clause" not in rules(spoken(two_of_three, known=False, clauses=1))
    assert "too_long_speech" not in rules(spoken(GOOD, known=False, duration_ratio=1.7))
    assert "too_long_speech" in rules(spoken(GOOD, known=False, duration_ratio=1.9))


def test_what_cannot_be_told_is_not_said():
    assert rules(spoken(GOOD, duration_ratio=np.nan, voice_prompt=np.nan, voice_own=np.nan)) == []


def test_words_and_voices():
    assert "wrong_words" in rules(spoken(GOOD, error_rate=0.4))
    assert "wrong_words" not in rules(spoken(GOOD, error_rate=0.1))
    assert "skipped_clause" in rules(spoken(GOOD, error_rate=0.4, left_out=6.0))
    assert "skipped_clause" not in rules(spoken(GOOD, error_rate=1.0, left_out=15.0))  # Whisper heard something else
    assert "voice_lost" in rules(spoken(GOOD, voice_prompt=0.1, voice_own=0.05))
    assert "voice_lost" not in rules(spoken(GOOD, voice_prompt=0.1, voice_own=0.6))


def test_what_is_said_fast_is_not_left_out():
    fast = talk(TEXT, pace=0.11, pause=0.05)
    assert spoken_seconds(fast, RATE) < 0.8 * EXPECTED
    assert "skipped_clause" not in rules(spoken(fast, nuclei_ratio=0.9))
    assert "skipped_clause" in rules(spoken(fast, nuclei_ratio=0.6, duration_ratio=0.6))
    assert "skipped_clause" not in rules(spoken(fast, nuclei_ratio=np.nan, duration_ratio=0.6, error_rate=0.05))


def test_noise_under_a_voice_is_no_other_voice():
    found = rules(spoken(GOOD + 0.4 * noise("brown"), voice_prompt=0.0, voice_own=-0.1))
    assert "noisy_speech" in found
    assert "voice_lost" not in found
    lost = {"voice_prompt": 0.1, "voice_own": 0.05}
    assert "voice_lost" in rules(spoken(GOOD, floor_db=-18.0, **lost))
    assert "voice_lost" not in rules(spoken(GOOD, floor_db=-16.0, **lost))


def test_one_word_tells_no_voice():
    assert "voice_lost" not in rules(spoken(GOOD, spoken_s=1.1, voice_prompt=0.1, voice_own=0.05))


def test_words_heard_twice_are_told_from_words_that_the_text_has_twice():
    text = ["no", "more", "and", "no", "more", "again"]
    assert said_again(text, text) == 0
    assert said_again(text, [*text, "and", "no", "more", "again"]) == 4
    assert said_again(["a", "b", "c"], ["a", "b", "c", "x", "b", "c"]) == 2
    assert said_again([], []) == 0
    assert "repeated_clause" in rules(spoken(GOOD, said_again=4.0))
    assert "repeated_clause" not in rules(spoken(GOOD, said_again=1.0))


def test_a_natural_end_is_not_cut_off():
    assert "truncated" not in rules(spoken(GOOD, duration_ratio=0.85))
    assert "truncated" not in rules(spoken(GOOD[:, : int(0.8 * GOOD.shape[1])], duration_ratio=1.0))


def test_music_is_not_held_to_speech():
    broken = spoken(talk(PARTS[0]), error_rate=1.0, voice_prompt=0.0, voice_own=0.0)
    assert not {"skipped_clause", "wrong_words", "voice_lost"} & {v.rule for v in diagnose_file(broken)}
    plain = measure(GOOD.T, RATE)
    assert {v.rule for v in diagnose_file(plain, profile="speech")} == set()


def test_every_rule_of_speech_speaks_both_languages():
    made = {
        "babble": spoken(shuffled()),
        "truncated": spoken(GOOD[:, : int(0.8 * GOOD.shape[1])]),
        "repeated_clause": spoken(twice()),
        "skipped_clause": spoken(talk(PARTS[0])),
        "too_long_speech": spoken(np.tile(GOOD, 2)),
        "wrong_words": spoken(GOOD, error_rate=0.5),
        "noisy_speech": spoken(GOOD + 0.4 * noise("brown")),
        "voice_lost": spoken(GOOD, voice_prompt=0.0, voice_own=-0.1),
    }
    assert set(made) == {rule.name for rule in FILE_RULES if "music" not in rule.profiles}
    for name, measured in made.items():
        [verdict] = [v for v in diagnose_file(measured, profile="speech") if v.rule == name]
        for part in (verdict.title, verdict.sentence, verdict.remedy):
            assert str(part).isascii(), str(part)
            assert any("\u4e00" <= letter <= "\u9fff" for letter in part.render("zh"))


def test_advice_about_speech_names_no_song():
    for rule in FILE_RULES:
        if "speech" in rule.profiles:
            words = set(str(rule.advice("speech")).replace(",", "").split())
            assert not {"song", "songs", "music", "top-k 250"} & words, rule.name


def test_a_drone_gets_the_advice_of_speech():
    [verdict] = [v for v in diagnose_file(spoken(hum()), profile="speech") if v.rule == "drone"]
    assert "hums" in str(verdict.remedy)
    assert "hums" not in next(v for v in diagnose_file(spoken(hum())) if v.rule == "drone").remedy.render()


def test_a_collapse_is_told_from_a_whisper():
    measured = replace(measure(GOOD.T, RATE), flat_white=0.533, fine_corr=0.034, flatness=0.05, lra=6.6)
    assert collapse(measured) == "noise"
    assert collapse(measured, profile="speech") is None
    assert collapse(replace(measured, flatness=0.3), profile="speech") == "noise"
    assert collapse(replace(measured, lra=0.3), profile="speech") == "noise"


def test_a_whisper_is_not_held_against_voiced_recordings():
    voiced = [measure(talk(TEXT, seed=seed).T, RATE) for seed in range(8)]
    breath = replace(voiced[0], flat_white=0.5, fine_corr=0.07, flatness=0.07, lra=2.4)
    names = [v.rule for v in diagnose_file(breath, profile="speech", reference=reference_of(voiced, "speech"))]
    assert names == []
    rough = replace(breath, flatness=0.2)
    names = [v.rule for v in diagnose_file(rough, profile="speech", reference=reference_of(voiced, "speech"))]
    assert names == ["noise"]


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-gb+m3", "en-us+croak", "en-us+whisper", "cmn"])
def test_espeak_passes_and_its_dropped_clauses_are_found(voice):
    text = CHINESE if voice == "cmn" else TEXT
    mark = "，" if voice == "cmn" else ","
    whole = espeak(text, voice)
    expected = spoken_seconds(whole, 24_000)
    for speed in (155, 170, 190):
        assert rules(signals(espeak(text, voice, speed), 24_000, text, expected)) == []
    for dropped in range(3):
        kept = mark.join(part for i, part in enumerate(text.strip("。").split(mark)) if i != dropped)
        said = espeak(kept, voice)
        heard = nuclei(said, 24_000) / nuclei(whole, 24_000)
        assert "skipped_clause" in rules(signals(said, 24_000, text, expected, nuclei_ratio=heard)), dropped
    fast = espeak(text, voice, 240)
    heard = nuclei(fast, 24_000) / nuclei(whole, 24_000)
    assert "skipped_clause" not in rules(signals(fast, 24_000, text, expected, nuclei_ratio=heard))


def test_each_speaker_vector_has_a_limit_of_its_own():
    """0.5 is the same voice by MFCC statistics, and another one by GE2E."""
    likeness = {"voice_prompt": 0.5, "voice_own": 0.45}

    def told(**values):
        found = diagnose_file(spoken(GOOD, **likeness, **values), profile="speech")
        return [verdict for verdict in found if verdict.rule == "voice_lost"]

    assert told() == []
    [verdict] = told(voice_limit=0.7)
    assert verdict.limit == 0.7 and "0.50; under 0.7 it is another voice" in str(verdict.sentence)
