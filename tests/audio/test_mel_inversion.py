"""The analytic vocoder: what it gives back is measured by the front end that it inverts."""

from __future__ import annotations

import json
import math

import pytest
import torch

from tests.families.ace_step.test_codec import PUBLISHED_VOCODER
from tests.golden_files import golden_path
from tunesmith.audio.mel_inversion import MelFrames, MelInversion, nearest_peaks
from tunesmith.families.ace_step.config import AceStepConfig, read_config
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.families.ace_step.parts.vocoder import load_vocoder

CONFIG = {**{k: PUBLISHED_VOCODER[k] for k in ("sampling_rate", "n_fft", "win_length", "hop_length", "n_mels")},
          "f_min": 40, "f_max": 16_000, "_class_name": "MelInversion", "iterations": 32}  # fmt: skip


@pytest.fixture(scope="module")
def inversion() -> MelInversion:
    return load_vocoder(golden_path("ace_step"), CONFIG)


@pytest.fixture(scope="module")
def music() -> torch.Tensor:
    """A chord that dies away over a beat of noise bursts, in two channels."""
    time = torch.arange(512 * 86) / 44_100
    chord = sum(torch.sin(2 * math.pi * f * time) for f in (220.0, 277.2, 329.6, 880.0)) * torch.exp(-2 * time)
    beat = torch.randn(len(time), generator=torch.Generator().manual_seed(0)) * torch.exp(-40 * (time % 0.25))
    return torch.stack([0.1 * chord + 0.1 * beat, 0.1 * chord])


def test_audio_has_the_given_mel(inversion, music):
    mel = inversion.mel_transform(music)
    audio = inversion.decode(mel)
    assert audio.shape == music.shape
    assert (inversion.mel_transform(audio) - mel).abs().mean() < 0.15
    assert audio.std().item() == pytest.approx(music.std().item(), rel=0.1)


def test_rounds_help_and_nothing_is_random(inversion, music):
    mel = inversion.mel_transform(music)

    def error(iterations: int) -> float:
        return (
            (inversion.mel_transform(MelInversion({**CONFIG, "iterations": iterations}).decode(mel)) - mel).abs().mean()
        )

    assert error(0) > 1.5 * error(8) > 1.5 * error(32)
    assert torch.equal(inversion.decode(mel), inversion.decode(mel))


def test_equal_channels_stay_equal(inversion, music):
    mel = inversion.mel_transform(music[:1]).repeat(2, 1, 1)
    left, right = inversion.decode(mel)
    assert torch.equal(left, right)


def test_first_magnitudes_have_the_given_energies(inversion, music):
    energies = inversion.mel_transform(music).exp().transpose(1, 2)
    magnitudes = inversion.magnitudes(energies)
    assert not inversion.mel_transform.mel_scale.fb[magnitudes.shape[-1] :].any()
    reached = torch.sqrt(magnitudes**2 + 1e-6) @ inversion.filters
    assert (reached.log() - energies.log()).abs().mean() < 0.02
    assert magnitudes.min() >= 0


def test_silence_is_silent(inversion):
    silence = inversion.mel_transform(torch.zeros(1, 512 * 20))
    assert inversion.decode(silence).abs().max() < 5e-4  # -66 dB


def test_synthesis_undoes_analysis(music):
    frames = MelFrames(torch.hann_window(2048), 512)
    again = frames.audio(frames.spectra(music))
    torch.testing.assert_close(again[:, 2048:-2048], music[:, 2048:-2048], atol=1e-5, rtol=0)


def test_nearest_peaks():
    levels = torch.tensor([[[0.0, 3, 1, 1, 0, 2, 5, 4]], [[0.0, 1, 2, 3, 4, 5, 6, 7]]])
    assert nearest_peaks(levels).tolist() == [[[1, 1, 1, 1, 6, 6, 6, 6]], [[0, 0, 0, 0, 7, 7, 7, 7]]]


def test_the_codec_needs_no_vocoder_weights(tmp_path):
    folder = golden_path("ace_step/tiny_checkpoint")
    tiny = read_config(folder)
    config = AceStepConfig(tiny.transformer, tiny.dcae, CONFIG, tiny.text)
    (tmp_path / "music_vocoder").mkdir()
    (tmp_path / "music_vocoder" / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "music_dcae_f8c8").symlink_to(folder / "music_dcae_f8c8")
    codec = MusicCodec(tmp_path, config, "cpu")
    latents = codec.encode(0.1 * torch.randn(2, 30_000, generator=torch.Generator().manual_seed(0)))
    assert codec.decode(latents[None], overlapped=True)[0].shape == (2, math.ceil(latents.shape[-1] * 4096 * 160 / 147))
