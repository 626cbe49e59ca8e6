"""The evaluator of speech: what one result is compared with."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.evaluation.speech.family import TALK
from tests.evaluation.speech.talk import HIGH, LOW, RATE, talk
from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.ears.dnsmos import SpeechOpinion
from tunesmith.evaluation.speech.measures import SpeechEvaluator
from tunesmith.prompting.spoken import by_turns, prompt_of
from tunesmith.speech.speaker_vector import MFCC, OwnSpread, VoiceVector

TEXT, SAID = "when the bell rang, the children ran outside", "we left the town, and went by the sea"


class Parrot:
    """Hears the same words whatever is said."""

    name = "parrot"

    def __init__(self, words: str) -> None:
        self.words, self.languages = words, []

    def understands(self, text, language=None):
        return True

    def transcribe(self, audio, rate, language=None):
        self.languages.append(language)
        return self.words


def sample(folder: Path, name: str, voice=LOW, text: str = TEXT, *, target: bool = True, **attributes) -> Sample:
    soundfile.write(folder / f"{name}-prompt.wav", talk(SAID, voice)[0], RATE)
    audios = {"prompt": AudioRef(str(folder / f"{name}-prompt.wav"))}
    if target:
        soundfile.write(folder / f"{name}.wav", talk(text, voice, seed=len(name))[0], RATE)
        audios["audio"] = AudioRef(str(folder / f"{name}.wav"))
    return Sample(name, audios, {"caption": text, "prompt_text": SAID}, attributes)


@pytest.fixture
def own(tmp_path: Path) -> list[Sample]:
    return [sample(tmp_path, name, speaker_id="me") for name in ("a", "bb", "ccc")]


def evaluator(samples, **settings) -> SpeechEvaluator:
    return SpeechEvaluator(TALK.open("talk:base"), samples, MFCC, **settings)


def test_the_true_recording_measures_as_itself(own):
    heard = evaluator(own).measure(prompt_of(own[0]), talk(TEXT, seed=1), RATE)
    found = heard.signals
    assert heard.transcript is None
    assert found.target_known == 1
    assert found.duration_ratio == pytest.approx(1.0, abs=0.02)
    assert (found.stretches, found.clauses) == (2, 2)
    assert found.speech_rate == pytest.approx(1 / 0.18, rel=0.1)
    assert found.voice_prompt > 0.7
    assert found.voice_own > 0.7
    assert math.isnan(found.error_rate)


def test_another_voice_is_less_alike(own):
    mine, theirs = (evaluator(own).measure(prompt_of(own[0]), talk(TEXT, voice), RATE).signals for voice in (LOW, HIGH))
    assert theirs.voice_prompt < mine.voice_prompt - 0.2
    assert theirs.voice_own < mine.voice_own - 0.2


def test_the_speaker_s_own_voice_is_of_other_recordings_of_the_same_edit(own, tmp_path):
    alone = evaluator(own[:1]).measure(prompt_of(own[0]), talk(TEXT), RATE).signals
    assert math.isnan(alone.voice_own)
    stranger = sample(tmp_path, "stranger", HIGH, speaker_id="you")
    edited = sample(tmp_path, "edited", HIGH, speaker_id="me", edit_type="style")
    both = evaluator([*own, stranger, edited]).measure(prompt_of(own[0]), talk(TEXT), RATE).signals
    assert both.voice_own == pytest.approx(
        evaluator(own).measure(prompt_of(own[0]), talk(TEXT), RATE).signals.voice_own
    )


def test_without_a_true_recording_the_prompt_s_rate_decides(own, tmp_path):
    tokens = sample(tmp_path, "tokens", target=False)
    found = evaluator([tokens]).measure(prompt_of(tokens), talk(TEXT), RATE).signals
    assert found.target_known == 0
    assert found.duration_ratio == pytest.approx(1.0, abs=0.05)
    asked = Prompt("seven dogs", "user", voice=own[0])
    assert evaluator(own).measure(asked, talk("seven dogs"), RATE).signals.duration_ratio == pytest.approx(1.0, abs=0.1)


def test_an_edit_of_the_prompt_is_not_held_against_another_text_s_recording(own):
    edit = Prompt(SAID, "base_style", replace(own[0], attributes={"edit_type": "emotion"}), voice=own[0])
    found = evaluator(own).measure(edit, talk(SAID), RATE).signals
    assert found.target_known == 0
    assert found.duration_ratio == pytest.approx(1.0, abs=0.02)


def test_a_prompt_without_a_voice_is_measured_as_far_as_it_goes():
    found = evaluator([]).measure(Prompt(TEXT, "user"), talk(TEXT), RATE).signals
    assert math.isnan(found.duration_ratio)
    assert math.isnan(found.voice_prompt)
    assert found.stretches == 2


def test_transcripts_become_error_rates(own):
    parrot = Parrot("when the bell rang the child ran outside")
    heard = evaluator(own, transcriber=parrot, language="en").measure(prompt_of(own[0]), talk(TEXT), RATE)
    assert heard.transcript == parrot.words
    assert heard.signals.error_rate == pytest.approx(1 / 8)
    assert heard.signals.text_length == 8
    assert parrot.languages == ["en"]


def test_nobody_transcribes_silence(own):
    parrot = Parrot("thank you for watching")
    heard = evaluator(own, transcriber=parrot).measure(prompt_of(own[0]), np.zeros((1, RATE), np.float32), RATE)
    assert (heard.transcript, heard.signals.error_rate) == ("", 1.0)
    assert parrot.languages == []
    assert heard.signals.spoken_s == 0
    assert math.isnan(heard.signals.voice_prompt)


def test_a_speaker_vector_of_the_family_s_own_is_used(own):
    calls = []

    def embed(mono, rate):
        calls.append((mono.ndim, rate))
        return np.array([1.0, 0.0])

    made = SpeechEvaluator(TALK.open("talk:base"), own, VoiceVector("CAM++", embed))
    assert made.measure(prompt_of(own[0]), talk(TEXT), RATE).signals.voice_prompt == 1.0
    made.measure(prompt_of(own[0]), talk(TEXT), RATE)
    assert calls == [(1, RATE)] * 5  # the prompt, two other recordings and two results


def test_broken_samples_are_measured(own):
    broken = np.where(np.arange(talk(TEXT).shape[1]) % 500 == 3, np.nan, talk(TEXT)).astype(np.float32)
    found = evaluator(own).measure(prompt_of(own[0]), broken, RATE).signals
    assert found.nonfinite > 0
    assert np.isfinite(found.duration_ratio)


def test_turns_give_every_edit_type_its_share():
    made = [
        Sample(f"{kind}{i}", {}, {}, {"edit_type": kind}) for kind, n in (("style", 3), ("clone", 2)) for i in range(n)
    ]
    assert [s.id for s in by_turns(made, 7)] == ["clone0", "style0", "clone1", "style1", "clone0", "style2", "clone1"]
    assert [s.id for s in by_turns(made, 1)] == ["clone0"]


class Judge:
    """Rates every clip by its level."""

    def rate(self, samples):
        level = float(np.abs(samples).mean())
        return SpeechOpinion(voice=1 + level, background=4.0, overall=2 + level)


def test_quality_and_the_limit_of_the_speaker_vector_stand_with_the_numbers(own):
    voice = VoiceVector("GE2E", lambda mono, rate: np.array([1.0, 0.2]), other_under=0.7, odd_under=0.8)
    made = SpeechEvaluator(TALK.open("talk:base"), own, voice, quality=Judge())
    loud, quiet = (made.measure(prompt_of(own[0]), gain * talk(TEXT), RATE).signals for gain in (1.0, 0.1))
    assert loud.mos > quiet.mos > 2 and loud.mos_voice == pytest.approx(loud.mos - 1) and loud.mos_background == 4.0
    assert loud.voice_limit == 0.7
    silent = made.measure(prompt_of(own[0]), np.zeros((1, RATE), np.float32), RATE).signals
    assert math.isnan(silent.mos)
    plain = evaluator(own).measure(prompt_of(own[0]), talk(TEXT), RATE).signals
    assert math.isnan(plain.mos) and plain.voice_limit == MFCC.other_under


def test_a_speaker_whose_recordings_are_unlike_lowers_the_limit(own, tmp_path):
    shouted = [sample(tmp_path, name, HIGH, speaker_id="me") for name in ("d", "e")]
    samples = [*own, *shouted]

    def by_pitch(mono, rate):
        power = np.abs(np.fft.rfft(mono)) ** 2
        hertz = np.fft.rfftfreq(len(mono), 1 / rate)
        is_low = power[(hertz > 80) & (hertz < 160)].sum() > 0.01 * power[(hertz > 180) & (hertz < 260)].sum()
        return np.array([1.0, 0.0]) if is_low else np.array([0.5, 1.0])

    def limit(spread):
        voice = VoiceVector("GE2E", by_pitch, other_under=0.7, spread=spread)
        made = SpeechEvaluator(TALK.open("talk:base"), samples, voice)
        return made.measure(prompt_of(own[0]), talk(TEXT), RATE).signals.voice_limit

    assert limit(OwnSpread()) < 0.7 == limit(None)


def test_nobody_transcribes_a_language_it_does_not_know(own, monkeypatch):
    parrot = Parrot(TEXT)
    monkeypatch.setattr(parrot, "understands", lambda text, language: False)
    heard = evaluator(own, transcriber=parrot).measure(prompt_of(own[0]), talk(TEXT), RATE)
    assert heard.transcript is None and math.isnan(heard.signals.error_rate) and parrot.languages == []
