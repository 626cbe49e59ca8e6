"""Audio front ends against the reference's: mel, resampling, levels and trimming, Whisper's and Kaldi's features.

Whisper's and Kaldi's features are those of ``wav24`` at 16 kHz.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch

from tests.golden_files import assert_as_near, assert_close, golden_metadata, golden_tensors
from tunesmith.audio.mel_basis import mel_filterbank
from tunesmith.audio.sinc import sinc_resample
from tunesmith.families.step_audio.config import TOKENIZER_RATE, MelConfig, known
from tunesmith.families.step_audio.parts.fbank import INT16_SCALE, kaldi_fbank, subtract_mean
from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.parts.trim import TrimRule, energy_norm, trim_silence
from tunesmith.families.step_audio.parts.whisper_mel import whisper_log_mel

NAME = "step_audio/features"


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    return golden_tensors(NAME)[0]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return golden_metadata(NAME)


@pytest.fixture(scope="module")
def mel_config(settings) -> MelConfig:
    return known(MelConfig, json.loads(settings["mel_conf"]))


@pytest.fixture(scope="module")
def wave_16k(tensors) -> torch.Tensor:
    return tensors["resample_24k_16k"][0]


def test_golden_mel_basis(tensors, mel_config):
    c = mel_config
    ours = mel_filterbank(c.sampling_rate, c.n_fft // 2 + 1, c.num_mels, c.fmin, c.fmax)
    assert_close("mel_basis", ours.T, tensors["mel_basis"], 1e-8)


def test_golden_mel(tensors, mel_config):
    assert_close("mel24", log_mel(tensors["wav24"], mel_config), tensors["mel24"], 1e-5)


def test_golden_mel_of_a_length_between_frames(tensors, mel_config):
    """The file does not say where the wave was cut; the last two frames see the mirrored end, so one length fits."""
    theirs, hop = tensors["mel24_len_not_multiple"], mel_config.hop_size
    frames = theirs.shape[-1]
    longest = tensors["wav24"][:, : (frames + 1) * hop - 1]
    assert_close("before the end", log_mel(longest, mel_config)[..., :-2], theirs[..., :-2], 1e-5)
    tail = tensors["wav24"][:, (frames - 8) * hop :]
    ends = [log_mel(tail[:, : 8 * hop + extra], mel_config)[..., -2:] for extra in range(1, hop)]
    closest = min(ends, key=lambda end: float((end - theirs[..., -2:]).abs().max()))
    assert_close("the end", closest, theirs[..., -2:], 1e-5)


def test_golden_resampling(tensors):
    pairs = [key for key in tensors if key.startswith("resample_")]
    assert pairs
    for key in pairs:
        source, target = key.removeprefix("resample_").split("_")
        wave = tensors["wav" + source.replace("k", "")]
        assert_close(key, sinc_resample(wave, in_hertz(source), in_hertz(target)), tensors[key], 1e-5)


def test_golden_energy_norm(tensors):
    assert_close("energy_norm", energy_norm(tensors["pre_in"]), tensors["energy_norm"], 1e-6)


def test_golden_trimming(tensors, settings):
    rule = TrimRule(**json.loads(settings["trim"]))
    assert rule == TrimRule()
    for source, result in (("energy_norm", "trimmed"), ("trim_short_in", "trim_short_out")):
        assert_close(result, trim_silence(tensors[source][0], TOKENIZER_RATE, rule), tensors[result][0], 1e-6)
    assert len(trim_silence(tensors["energy_norm"][0], TOKENIZER_RATE, replace(rule, keep_left_time=0.0))) < len(
        tensors["trimmed"][0]
    )


def test_golden_whisper_mel(tensors, wave_16k):
    theirs = tensors["whisper_logmel128"]
    exact = exact_whisper_log_mel(wave_16k, len(theirs))
    assert_as_near("whisper_logmel128", whisper_log_mel(wave_16k, len(theirs)), theirs, exact)


def exact_whisper_log_mel(wave_N: torch.Tensor, n_mels: int) -> torch.Tensor:
    """Whisper's formula in double precision.

    A Fourier transform rounds all bins of a frame by about as much, so the logarithm of a quiet band beside a loud one
    is off by more than any fixed number of units in the last place.
    """
    window = torch.hann_window(400, dtype=torch.float64)
    spectra = torch.stft(wave_N.double(), 400, 160, window=window, return_complex=True)[:, :-1]
    energies = mel_filterbank(16_000, 201, n_mels, 0.0, 8000.0).double().T @ spectra.abs().square()
    logs = energies.clamp(min=1e-10).log10()
    return (logs.clamp(min=logs.max() - 8) + 4) / 4


def test_golden_fbank_of_the_speaker_encoder(tensors, wave_16k):
    theirs = tensors["campplus_fbank"]
    ours = kaldi_fbank(wave_16k, n_mels=theirs.shape[1], window="povey")
    assert_close("campplus_fbank", ours, theirs, 1e-4)
    assert_close("campplus_fbank_cmn", subtract_mean(ours), tensors["campplus_fbank_cmn"], 1e-4)


def test_golden_fbank_of_paraformer(tensors, wave_16k):
    theirs = tensors["paraformer_fbank"]
    ours = kaldi_fbank(wave_16k, n_mels=theirs.shape[1], window="hamming", scale=INT16_SCALE)
    assert_close("paraformer_fbank", ours, theirs, 1e-4)


def in_hertz(label: str) -> int:
    """``24k`` is 24000, ``44k1`` is 44100."""
    thousands, hundreds = re.fullmatch(r"(\d+)k(\d*)", label).groups()
    return int(thousands) * 1000 + int(hundreds or 0) * 100
