from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tools.pocket.step_audio.build import build
from tools.pocket.step_audio.edits import EDITS, interrupted, manner, noisy
from tools.pocket.step_audio.espeak import BASE_VOICES, NEW_VOICE, PROGRAM, speak
from tools.pocket.step_audio.traits import traits
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import SAMPLE_RATE
from tunesmith.families.step_audio.edits import validate

needs_espeak = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="espeak-ng is not installed")


def buzz(seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum(np.sin(2 * np.pi * 120 * number * time) / number for number in range(1, 20))
    pause = np.abs(time - seconds / 2) < 0.03
    return (0.1 * wave * ~pause).astype(np.float32)


def test_every_edit_is_one_that_the_family_knows() -> None:
    for edit in EDITS:
        validate(edit.kind, edit.info or None)


def test_noise_lies_sixteen_to_twenty_six_db_below_the_voice() -> None:
    wave = buzz()
    for number in range(8):
        noise = noisy(wave, np.random.default_rng(number)) - wave
        assert 15.9 < 20 * np.log10(wave.std() / noise.std()) < 26.1


def test_an_interruption_adds_silence_and_takes_nothing_away() -> None:
    wave = buzz()
    for number in range(12):
        made = interrupted(wave, np.random.default_rng(number))
        added = len(made) - len(wave)
        assert added % 2880 == 0
        assert 0.3 < added / SAMPLE_RATE < 0.7
        assert np.sum(made**2) == pytest.approx(np.sum(wave**2), rel=0.05)
        assert traits(made)["silence_s"] >= added / SAMPLE_RATE - 0.05
        assert made[:1000].any()
        assert made[-1000:].any()  # inside: trimming would undo one at an end


def test_traits_tell_a_voice_from_noise() -> None:
    rng = np.random.default_rng(0)
    assert traits(buzz())["voicing"] > 0.7
    assert traits((0.1 * rng.standard_normal(SAMPLE_RATE)).astype(np.float32))["voicing"] < 0.4
    assert traits(2 * buzz())["level_db"] - traits(buzz())["level_db"] == pytest.approx(6.02, abs=0.01)
    hissing = noisy(buzz(), np.random.default_rng(0))
    assert traits(hissing)["floor_db"] > traits(buzz())["floor_db"] + 10
    assert traits(buzz(2.0))["seconds"] == pytest.approx(2.0)


def test_without_espeak_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(TunesmithError, match=r"espeak-ng is not installed") as raised:
        speak("boats", NEW_VOICE)
    assert "apt install espeak-ng" in str(raised.value.remedy)


def test_a_build_without_espeak_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(TunesmithError, match=r"espeak-ng is not installed"):
        build(tmp_path / "out", updates=(1, 1), sentences=4, held_out=2, quiet=True)
    assert list(tmp_path.iterdir()) == []


@needs_espeak
def test_the_manners_of_a_voice_are_what_they_are_called() -> None:
    voice = BASE_VOICES[0]
    made = {edit.info: traits(speak("seven boats wait", manner(edit, voice))) for edit in EDITS if edit.info}
    plain = traits(speak("seven boats wait", voice))
    assert made["faster"]["seconds"] < 0.85 * plain["seconds"] < 0.85**2 * made["slower"]["seconds"]
    assert made["whisper"]["voicing"] < plain["voicing"] - 0.2
    assert made["loudly"]["level_db"] > plain["level_db"] + 4


@needs_espeak
def test_a_voice_that_espeak_does_not_have_is_an_error() -> None:
    from dataclasses import replace

    with pytest.raises(TunesmithError, match="espeak-ng said nothing"):
        speak("", replace(NEW_VOICE, speed=-1))
