"""Spoken clips against their texts and each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import save
from tests.evaluation.speech.talk import HIGH, RATE, espeak, needs_espeak, talk
from tests.speech import tiny_whisper
from tests.speech.deadly_listening import deadly_listening
from tunesmith.data.checks import run_checks
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.speech.recordings.checks import spoken_checks
from tunesmith.speech.recordings.facts import SpokenStore
from tunesmith.speech.recordings.measure import Listener
from tunesmith.speech.recordings.voices import likeness_to_most, limits_by_spread
from tunesmith.speech.speaker_vector import MFCC, OwnSpread, VoiceVector, own_limit
from tunesmith.speech.tools import SpeechTools
from tunesmith.speech.transcribe import Transcriber
from tunesmith.stages.listening_task import ToolsListening

Clips = dict[str, tuple[np.ndarray, str]]
SPOKEN = {"transcript", "speech_rate", "noisy_speech", "gap", "second_voice", "unheard"}
TEXTS = [
    f"the rain came down on the {what}, nobody was {where}, all through the night"
    for what, where in zip(
        ("town", "garden", "river", "station", "mountain", "island"),
        ("there", "awake", "hungry", "afraid", "alone", "outside"),
        strict=True,
    )
]


def checked(
    folder: Path, clips: Clips, listener: Listener, speakers: dict[str, str] | None = None, rate: int = RATE, **more
):
    samples = []
    for name, (audio, text) in clips.items():
        path = folder / f"{name}.wav"
        if not path.exists():
            save(path, audio[0], rate)
        who = {"speaker_id": speakers[name]} if speakers else {}
        samples.append(Sample(name, {"audio": AudioRef(str(path))}, {"caption": text}, attributes=who))
    report = run_checks(samples, fingerprint=False, transcripts=True, more=(spoken_checks(listener),), **more)
    return [finding for finding in report.findings if finding.check in SPOKEN]


def good() -> Clips:
    return {f"good{number}": (talk(text, seed=number), text) for number, text in enumerate(TEXTS)}


def noisy(audio: np.ndarray, level: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(audio.shape)
    return (audio + level * noise).astype(np.float32)


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    text = TEXTS[0]
    one = talk(text, seed=9)
    faults = {
        "cut": (one[:, : round(0.55 * one.shape[1])], text),
        "twice": (np.concatenate([one, one], axis=1), text),
        "more": (one, f"{text}, and then we all went home for dinner again"),
        "less": (one, " ".join(text.split()[:9])),
        "noise": (noisy(one, 0.03), text),
        "pause": (noisy(talk(text, pause=2.4), 0.0012), text),
    }
    return checked(tmp_path_factory.mktemp("spoken"), {**good(), **faults}, Listener(MFCC))


@pytest.mark.parametrize(
    ("clip", "check", "said"),
    [
        ("cut", "speech_rate", "its text is too long for its recording"),
        ("twice", "speech_rate", "its text is too short for its recording"),
        ("more", "speech_rate", "too long"),
        ("less", "speech_rate", "too short"),
        ("noise", "noisy_speech", "the moments between words are only"),
        ("pause", "gap", "nobody speaks for 2.4 s"),
    ],
)
def test_a_fault_of_speech_is_told(findings, clip, check, said):
    found = [f for f in findings if f.clip == clip]
    assert [(f.check, f.level) for f in found] == [(check, "warn")]
    assert said in str(found[0].message) and str(found[0].remedy)


def test_good_recordings_have_nothing_to_tell(findings):
    assert [str(f.message) for f in findings if f.clip.startswith("good")] == []


def test_without_whisper_the_pace_says_what_would_hear_the_words(findings):
    assert "options.whisper" in str(next(f.remedy for f in findings if f.clip == "cut"))


def by_pitch(mono: np.ndarray, rate: int) -> np.ndarray:
    """A voice told by nothing but its pitch: whether it has a fundamental under 160 Hz."""
    power = np.abs(np.fft.rfft(mono)) ** 2
    hertz = np.fft.rfftfreq(len(mono), 1 / rate)
    is_low = power[(hertz > 80) & (hertz < 160)].sum() > 0.01 * power[(hertz > 180) & (hertz < 260)].sum()
    return np.array([1.0, 0.0]) if is_low else np.array([0.0, 1.0])


def test_two_speakers_are_a_fault_where_they_have_one_name(tmp_path):
    low = {f"low{n}": (talk(text, seed=n), text) for n, text in enumerate(TEXTS[:4])}
    high = {f"high{n}": (talk(text, HIGH, seed=n), text) for n, text in enumerate(TEXTS[:2])}
    listener = Listener(VoiceVector("pitch", by_pitch))

    def told(speakers=None):
        found = checked(tmp_path, {**low, **high}, listener, speakers)
        return {f.clip: str(f.message) for f in found if f.check == "second_voice"}

    assert set(told()) == set(high) and "no speaker is named" in told()["high0"]
    one = dict.fromkeys({**low, **high}, "me")
    assert "in most clips of me: likeness 0.00, under 0.20 (by pitch)" in told(one)["high1"]
    assert told({**one, **dict.fromkeys(high, "you")}) == {}


def test_the_limit_of_a_second_voice_is_that_of_what_hears_it(tmp_path):
    """Voices at 0.71 are one by MFCC's limit and two by GE2E's; the recipe's own limit goes before both."""
    clips = {f"low{n}": (talk(text, seed=n), text) for n, text in enumerate(TEXTS[:4])}
    clips["high"] = talk(TEXTS[4], HIGH, seed=4), TEXTS[4]

    def embed(mono, rate):
        return by_pitch(mono, rate) + np.array([1.0, 0.0])

    def told(limit: float | None = None, **limits: float):
        voice = VoiceVector("pitch", embed, **({} if limit is None else {"odd_under": limit}))
        found = checked(tmp_path, clips, Listener(voice), limits=CheckLimits(**limits))
        return {f.clip: f.limit for f in found if f.check == "second_voice"}

    assert told() == {}
    assert told(0.8) == {"high": 0.8}
    assert told(0.8, voice_likeness=0.3) == {}
    assert told(voice_likeness=0.9) == {"high": 0.9}


def test_little_speech_needs_a_wider_gap_and_other_noise_is_not_held_against(tmp_path):
    """A likeness of 0.71 is another voice at 0.8 unless it has to lie further under the rest; noise parts one voice."""
    clips = {f"low{n}": (talk(text, seed=n), text) for n, text in enumerate(TEXTS[:4])}
    mono, noise = talk(TEXTS[4], HIGH, seed=4)[0, : int(1.5 * RATE)], np.random.default_rng(0)
    clips["short"] = mono[None], TEXTS[4]
    hiss = mono.std() * noise.standard_normal(len(mono)).astype(np.float32) / 3

    def told(**limits):
        voice = VoiceVector("pitch", lambda *heard: by_pitch(*heard) + np.array([1.0, 0.0]), odd_under=0.8, **limits)
        return {f.clip: f.limit for f in checked(tmp_path, clips, Listener(voice)) if f.check == "second_voice"}

    assert told() == told(spread=OwnSpread(least_s=0.5)) == {"short": 0.8}
    assert told(spread=OwnSpread(least_s=0.5, long_s=6.0)) == {}
    assert told(spread=OwnSpread(least_s=2.0)) == {}
    assert told(floor_within_db=30.0) == {"short": 0.8}
    clips["short"] = (mono + hiss)[None], TEXTS[4]
    assert told() == {"short": 0.8} and told(floor_within_db=4.0) == {}


def test_nothing_is_heard_of_a_language_that_the_transcriber_does_not_know(tmp_path, monkeypatch):
    english = Transcriber(tmp_path / "nowhere", "tiny.en")
    monkeypatch.setattr(english, "_load", type("English", (), {"multilingual": False}))
    clips = {"a": (talk(TEXTS[0]), "你好吗，今天下雨")}
    assert [f for f in checked(tmp_path, clips, Listener(MFCC, english)) if f.check == "transcript"] == []


@needs_espeak
def test_mfcc_statistics_tell_a_second_speaker(tmp_path):
    clips = {f"a{n}": (espeak(text, "en-us"), text) for n, text in enumerate(TEXTS[:5])}
    clips["b"] = espeak(TEXTS[5], "en-us+f3"), TEXTS[5]
    found = checked(tmp_path, clips, Listener(MFCC), rate=24_000)
    assert {f.clip for f in found if f.check == "second_voice"} == {"b"}


def test_whisper_is_asked_once_and_what_it_hears_is_held_against_the_text(tmp_path):
    weights = tiny_whisper.save(tmp_path / "whisper")
    path = tmp_path / "spoken.jsonl"
    listener = Listener(MFCC, Transcriber(weights, "tiny"), "en", path)
    clips = dict(list(good().items())[:2])
    found = checked(tmp_path, clips, listener)
    assert [f.check for f in found] == ["transcript", "transcript"]  # random weights hear gibberish
    assert "tiny hears “" in str(found[0].message) and "write" not in str(found[0].message)
    again = Listener(MFCC, Transcriber(tmp_path / "nowhere", "tiny"), "en", path)  # which could not be loaded
    assert checked(tmp_path, clips, again) == found
    path.write_text('{"version": 1, "key": "x"}\nnonsense\n' + path.read_text(), encoding="utf-8")
    assert len(SpokenStore(path).known) == 2


def test_the_largest_group_of_alike_voices_is_the_speaker():
    rng = np.random.default_rng(0)
    one, two = np.eye(8)[0], np.eye(8)[1]
    vectors = np.stack([one + 0.1 * rng.standard_normal(8) for _ in range(5)] + [two, two])
    likeness = likeness_to_most(vectors, 0.2)
    assert likeness[:5].min() > 0.8 and likeness[5:].max() < 0.2


def clips_at(*likenesses: float, towards: int = 1) -> np.ndarray:
    """Vectors whose cosine to the first axis is as given, each with the rest of its length along an axis of its own."""
    made = np.zeros((len(likenesses), 40))
    made[:, 0] = likenesses
    for number, value in enumerate(likenesses):
        made[number, towards + number] = np.sqrt(1 - value**2)
    return made


def odd(vectors: np.ndarray, seconds: float = 4.0, limit: float = 0.8) -> list[int]:
    values = likeness_to_most(vectors, limit)
    limits = limits_by_spread(vectors, np.full(len(values), seconds), values, limit, OwnSpread())
    return np.flatnonzero(values < limits).tolist()


EVEN = (0.97,) * 12
WIDE = (0.97,) * 6 + (0.93, 0.9, 0.86, 0.82, 0.78, 0.76)
"""Somebody who reads evenly, and somebody who shouts now and then."""


def test_a_clip_is_another_voice_only_where_it_lies_clearly_under_the_rest():
    assert odd(clips_at(*EVEN, 0.73)) == [12]
    assert odd(clips_at(*WIDE, 0.73)) == [] and odd(clips_at(*WIDE, 0.3)) == [12]
    assert odd(clips_at(*EVEN, 0.7), seconds=1.0) == [], "too little speech"
    assert odd(clips_at(*WIDE, 0.68)) == [12] and odd(clips_at(*WIDE, 0.68), seconds=1.3) == []
    few, many = (
        limits_by_spread(clips_at(*values), np.full(len(values), 4.0), np.array(values), 0.8, OwnSpread())[-1]
        for values in ((0.85,) * 4 + (0.5,), (0.85,) * 16 + (0.5,))
    )
    assert few < many - 0.03, "of few others, the least like tells little"


def test_the_wider_the_rest_are_apart_the_further_a_clip_must_lie_under_them():
    even, wide = (
        usual - limits_by_spread(clips_at(*values), np.full(13, 4.0), np.array(values), 0.8, OwnSpread())[-1]
        for usual in (0.85, 0.75)
        for values in ((usual,) * 12 + (0.5,),)
    )
    assert wide > 1.5 * even > 0


def test_where_a_voice_varies_too_much_nothing_is_told():
    values = np.array([0.69] * 11 + [0.1])
    told = limits_by_spread(clips_at(*values), np.full(12, 4.0), values, 0.8, OwnSpread())
    assert np.isneginf(told).all()


def test_several_clips_of_one_other_voice_do_not_hide_one_another():
    other = clips_at(0.6, 0.6, 0.6, 0.6)
    other[:, 1:] = 0
    other[:, 39] = 0.8
    assert odd(np.concatenate([clips_at(*EVEN), other])) == [12, 13, 14, 15]
    apart = clips_at(0.6, 0.6, towards=30)
    assert odd(np.concatenate([clips_at(*EVEN, 0.97, 0.97, 0.97, 0.97), apart])) == [16, 17], "of two other voices"


def test_a_speaker_whose_recordings_differ_lowers_the_limit_of_outputs():
    assert own_limit(list(clips_at(*EVEN))) > 0.85
    assert own_limit(list(clips_at(*WIDE[4:]))) < 0.75
    assert own_limit(list(clips_at(0.9, 0.9, 0.9))) == np.inf


def test_workers_hear_the_same(tmp_path):
    alone = checked(tmp_path, good(), Listener(MFCC, path=tmp_path / "alone.jsonl"))
    task = ToolsListening(SpeechTools())
    assert checked(tmp_path, good(), Listener(MFCC, path=tmp_path / "two.jsonl", workers=2, task=task)) == alone
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


def test_a_clip_that_kills_every_worker_is_named_and_the_others_are_heard(tmp_path):
    listener = Listener(MFCC, path=tmp_path / "heard.jsonl", workers=2, task=deadly_listening)
    clips = good()
    said = {f.clip: str(f.message) for f in checked(tmp_path, clips, listener) if f.check == "unheard"}
    assert list(said) == ["good1"]
    assert "ended from outside or crashed, 2 times (exit code -9); words, pace and voice" in said["good1"]
    assert len((tmp_path / "heard.jsonl").read_text(encoding="utf-8").splitlines()) == len(clips) - 1
