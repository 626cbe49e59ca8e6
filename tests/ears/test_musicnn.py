"""The music ear: its checkpoint, its front end and its network against other implementations, over random weights."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from tests.ears.tiny_ears import know, music_checkpoint, wheel
from tests.evaluation.music import RATE as SONG_RATE
from tests.evaluation.music import song
from tunesmith.ears.catalogue import MUSICNN
from tunesmith.ears.install import install
from tunesmith.ears.musicnn import INDEX, NUMBERS, RATE, WINDOW, MusicEar, log_mel, music_ear
from tunesmith.ears.tensor_bundle import read_tensors
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.sound.compare import HeardSets, compare_sound

TONE = (0.3 * np.sin(np.arange(7 * RATE) * 0.21) * np.linspace(0, 1, 7 * RATE)).astype(np.float32)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An ear of random weights, and these by name."""
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "ears"))
    index, numbers, weights = music_checkpoint()
    path, ear = wheel(MUSICNN, tmp_path / "wheels", {INDEX: index, NUMBERS: numbers})
    know(monkeypatch, ear)
    return install(ear, lambda _: None, path), weights


def test_mel_energies_are_those_of_another_implementation():
    bank = mel_filter_bank(257, 96, 0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    power = spectrogram(
        TONE.astype(np.float64), window_function(512, "hann"), 512, 256, power=2.0, pad_mode="constant",
        mel_filters=bank,
    )  # fmt: skip
    assert log_mel(TONE) == pytest.approx(np.log10(10_000 * power.T + 1), abs=1e-4)


def test_a_checkpoint_is_read_by_name_and_a_damaged_one_is_refused(installed):
    folder, weights = installed
    found = read_tensors(folder / INDEX, folder / NUMBERS, lambda name: "/Adam" not in name)
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], value) for name, value in weights.items())
    whole = (folder / INDEX).read_bytes()
    for bad in (b"", whole[:-1], b"\xff" * (len(whole) - 48) + whole[-48:]):
        (folder / INDEX).write_bytes(bad)
        with pytest.raises(ValueError):
            read_tensors(folder / INDEX, folder / NUMBERS, bool)


def test_the_network_is_that_of_its_graph(installed):
    """Written another way: windows unfolded and multiplied, in double precision."""
    _, weights = installed
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def name(kind, number):
        return f"{kind}_{number}" if number else kind

    def normal(x, number):
        n = name("batch_normalization", number)
        scaled = (x - w[f"{n}/moving_mean"]) / np.sqrt(w[f"{n}/moving_variance"] + 1e-3)
        return scaled * w[f"{n}/gamma"] + w[f"{n}/beta"]

    def along(x_TM, number):
        kernel = w[f"{name('conv2d', number)}/kernel"][:, :, 0]
        long, high = kernel.shape[:2]
        padded = np.pad(x_TM, (((long - 1) // 2, long // 2), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (long, high))
        made = np.einsum("tmlh,lhc->tmc", windows, kernel) + w[f"{name('conv2d', number)}/bias"]
        return normal(np.maximum(made, 0), number + 1)

    mel = log_mel(TONE)[:WINDOW]
    plain = normal(mel[..., None].astype(np.float64), 0)[..., 0]
    layers = [np.concatenate([along(plain, n).max(axis=1) for n in range(5)], axis=1)]
    for n in range(3):
        made = along(layers[-1], 5 + n)[:, 0]
        layers.append(made + layers[-1] if n else made)
    every = np.concatenate(layers, axis=1)
    pooled = normal(np.stack([every.max(axis=0), every.mean(axis=0)], axis=1).reshape(-1), 9)
    vector = normal(np.maximum(pooled @ w["dense/kernel"] + w["dense/bias"], 0), 10)
    ear = MusicEar()
    assert ear.embed(TONE).shape == (2, len(vector)) and ear.embed(TONE[:RATE]).shape == (0, len(vector))
    assert ear.embed(TONE)[0] == pytest.approx(vector, abs=1e-4)


def test_it_tells_the_distance_where_it_is_installed(installed, tmp_path, monkeypatch):
    sets = [[(song(seed), SONG_RATE) for seed in range(*ends)] for ends in pairwise((0, 4, 8, 14))]
    heard = HeardSets(*sets, [], [], [""] * 4)
    with_ear = compare_sound(heard, None, [])
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "none"))
    assert music_ear() is None
    without = compare_sound(heard, None, [])
    assert with_ear.ears == ("musicnn",) and without.ears == ()
    assert with_ear.adapter.value != without.adapter.value and with_ear.variety == without.variety


def test_damaged_weights_are_a_sentence(installed):
    folder, _ = installed
    (folder / NUMBERS).write_bytes(b"")
    with pytest.raises(TunesmithError, match="not what was installed"):
        MusicEar()
