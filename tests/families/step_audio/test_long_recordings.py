"""Long recordings go through mel, filterbank and the linguistic tokeniser in pieces, with what the whole gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.families.step_audio.test_vq02 import CONFIG, encoder_of, noise
from tunesmith.families.step_audio.config import MelConfig
from tunesmith.families.step_audio.frontend import EncodedRecording
from tunesmith.families.step_audio.parts import fbank, mel, trim, vq02


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 27, 28, 29, 56, 57, 150])
@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, chunk_size=(0, 3, 2), encoder_chunk_look_back=2),
        replace(CONFIG, chunk_size=(1, 3, 2), encoder_chunk_look_back=9),
    ],
)
def test_chunks_look_back_beyond_those_computed_with_them(monkeypatch, config, frames):
    encoder = encoder_of(config)
    features = torch.randn(frames, config.n_mels * config.lfr_m, generator=torch.Generator().manual_seed(frames))
    whole = encoder(features)
    monkeypatch.setattr(vq02, "CHUNKS_AT_ONCE", 7)
    pieces = encoder(features)
    assert pieces.shape == whole.shape
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)
    if frames == 150:
        forgetful = vq02.Vq02Encoder._chunks
        monkeypatch.setattr(vq02.Vq02Encoder, "_chunks", lambda *given: forgetful(*given[:-1], []))
        assert (encoder(features) - whole).abs().max() > 1e-3, "what is carried over is needed"


@pytest.mark.parametrize("samples", [1500, 480 * 9, 480 * 9 + 1, 480 * 30 + 77])
def test_mel_and_filterbank_do_not_depend_on_how_many_frames_are_made_at_once(monkeypatch, samples):
    wave = noise(samples)

    def made() -> tuple[torch.Tensor, torch.Tensor, trim.Span]:
        return (
            mel.log_mel(wave[None], MelConfig()),
            fbank.kaldi_fbank(wave, n_mels=80, window="hamming"),
            trim.find_speech(wave, 16_000, trim.TrimRule()),
        )

    whole = made()
    for module, name in ((mel, "FRAMES_AT_ONCE"), (fbank, "FRAMES_AT_ONCE"), (trim, "_FRAMES_AT_ONCE")):
        monkeypatch.setattr(module, name, 7)
    pieces = made()
    torch.testing.assert_close(pieces[0], whole[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(pieces[1], whole[1], rtol=0, atol=1e-5)
    assert pieces[2] == whole[2]


def test_a_voice_is_looked_for_when_it_is_asked_for_and_once():
    asked: list[int] = []

    def find() -> np.ndarray:
        asked.append(1)
        return np.ones(192)

    recording = EncodedRecording(np.zeros(5, np.int32), np.zeros((6, 80), np.float32), np.zeros(10, np.float32), find)
    assert not asked
    assert recording.speaker is recording.speaker
    assert recording.speaker.dtype == np.float32
    assert len(asked) == 1
