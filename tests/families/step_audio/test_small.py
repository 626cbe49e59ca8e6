from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import MelConfig
from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.small import SmallConfig, read_small
from tunesmith.families.step_audio.small.codes import VQ02, VQ06, SmallCodes, cosines, features, padded_mel
from tunesmith.families.step_audio.small.speaker import DEVIATION, MEAN, PROJECTION, SmallSpeaker
from tunesmith.families.step_audio.small.vocoder import SmallVocoder

CONFIG = SmallConfig(iterations=24)
RATE = CONFIG.mel.sampling_rate


def voice(pitch: float, seconds: float, brightness: float = 1.0, level: float = 0.2) -> np.ndarray:
    """A buzz whose vowel changes twice a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.zeros_like(time)
    for number in range(1, int(6000 / pitch)):
        formant = 600 + 500 * np.sign(np.sin(4 * np.pi * time))
        height = np.exp(-((number * pitch - formant) ** 2) / (2 * 300**2)) + 0.1 * brightness / number
        wave += height * np.sin(2 * np.pi * number * pitch * time)
    return (level * wave / np.abs(wave).max()).astype(np.float32)


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    linguistic, semantic = features(padded_mel(voice(130, 6.0), CONFIG), CONFIG)
    width = 2 * CONFIG.mel.num_mels
    return {
        VQ02: linguistic[::7], VQ06: semantic[::5],
        MEAN: torch.zeros(width), DEVIATION: torch.ones(width),
        PROJECTION: torch.randn(width, 192, generator=generator),
    }  # fmt: skip


@pytest.mark.parametrize(("samples", "groups"), [(1, 1), (2880, 1), (2881, 2), (24_000, 9)])
def test_codes_come_in_whole_groups_of_two_and_three(
    tensors: dict[str, torch.Tensor], samples: int, groups: int
) -> None:
    vq02, vq06 = SmallCodes(tensors, CONFIG).codes(voice(130, 1.0)[:samples])
    assert (len(vq02), len(vq06)) == (2 * groups, 3 * groups)
    assert vq02.dtype == vq06.dtype == np.int64
    assert padded_mel(voice(130, 1.0)[:samples], CONFIG).shape == (CONFIG.mel.num_mels, 6 * groups)


def test_codes_are_those_of_the_nearest_centroids(tensors: dict[str, torch.Tensor]) -> None:
    wave = voice(130, 6.0)
    vq02, vq06 = SmallCodes(tensors, CONFIG).codes(wave)
    linguistic, semantic = features(padded_mel(wave, CONFIG), CONFIG)
    # Every seventh and every fifth frame is a centroid itself; a steady voice repeats some of them.
    torch.testing.assert_close(tensors[VQ02][vq02[::7]], linguistic[::7], rtol=0, atol=0.05)
    torch.testing.assert_close(tensors[VQ06][vq06[::5]], semantic[::5], rtol=0, atol=0.05)
    assert len(set(vq06)) > 3


def test_linguistic_codes_ignore_the_level_and_semantic_ones_do_not() -> None:
    quiet, loud = (features(padded_mel(voice(130, 1.0, level=level), CONFIG), CONFIG) for level in (0.1, 0.4))
    inner = slice(2, -2)
    assert (quiet[0] - loud[0])[inner].abs().mean() < 0.3 * quiet[0][inner].std()
    assert float((loud[1] - quiet[1])[inner].mean()) == pytest.approx(np.log(4), abs=0.4)


def test_the_cosines_are_orthonormal() -> None:
    basis = cosines(80, 24)
    torch.testing.assert_close(basis.T @ basis, torch.eye(24), rtol=0, atol=1e-5)
    torch.testing.assert_close(basis.sum(dim=0), torch.zeros(24), rtol=0, atol=1e-4)


def test_the_speaker_vector_tells_voices_apart_and_not_levels(tensors: dict[str, torch.Tensor]) -> None:
    encoder = SmallSpeaker({**tensors, MEAN: torch.zeros(160)}, CONFIG)
    low, low_again, high = (
        encoder.embed(voice(*what), RATE) for what in ((110, 2.0), (110, 1.3, 1.0, 0.1), (230, 2.0, 5.0))
    )
    assert low.shape == (192,)
    assert np.linalg.norm(low) == pytest.approx(1, abs=1e-5)
    assert low @ low_again > low @ high + 0.05
    other_rate = encoder.embed(voice(110, 2.0)[::2], RATE // 2)
    assert low @ other_rate > 0.9
    assert np.isfinite(encoder.embed(np.zeros(10, np.float32), RATE)).all()


def test_the_vocoder_sounds_like_its_spectrogram() -> None:
    wave = voice(130, 1.2)
    mel = padded_mel(wave, CONFIG)
    made = SmallVocoder(CONFIG).wave(mel)
    assert made.shape == (mel.shape[1] * CONFIG.mel.hop_size,)
    again = log_mel(made[None], CONFIG.mel)[0]
    heard = mel > CONFIG.mel_floor
    assert float((again - mel)[heard].abs().mean()) < 0.25
    assert float(made.diff().abs().max()) < 2.5 * float(np.abs(np.diff(wave)).max())  # no clicks


def test_silence_stays_silent_in_the_vocoder() -> None:
    mel = torch.full((CONFIG.mel.num_mels, 30), float(np.log(1e-5)))
    assert float(SmallVocoder(CONFIG).wave(mel).abs().max()) < 1e-3


def test_a_folder_without_small_front_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TunesmithError, match=r"small_frontend\.json"):
        read_small(tmp_path)


def test_settings_are_read_with_the_mel_s(tmp_path: Path) -> None:
    from dataclasses import asdict, replace

    from safetensors.torch import save_file

    from tunesmith.files import write_json

    config = replace(CONFIG, mel=MelConfig(fmax=7000.0), cepstra=13)
    write_json(tmp_path / "small_frontend.json", asdict(config))
    save_file({"a": torch.ones(2).half()}, tmp_path / "small_frontend.safetensors")
    tensors, read = read_small(tmp_path)
    assert read == config
    assert read.group == 2880
    assert tensors["a"].dtype == torch.float32
