"""Long audio goes through EnCodec in pieces, and gets what the whole would."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tiny import tiny_musicgen
from tunesmith.audio.stream import SoundStream
from tunesmith.families.musicgen import codec_pieces, frontend
from tunesmith.families.musicgen.codec_pieces import PieceEncoder, is_divisible, reach
from tunesmith.families.musicgen.config import MusicGenConfig, read_config
from tunesmith.families.musicgen.weights import load_codec

PIECE = 20
"""Frames; the tiny codec has 50 a second."""


@pytest.fixture(scope="module", params=[1, 2])
def tiny(request, tmp_path_factory) -> tuple[MusicGenConfig, torch.nn.Module]:
    folder = tiny_musicgen(tmp_path_factory.mktemp("tiny"), channels=request.param)
    config = read_config(folder)
    codec = load_codec(folder, config)
    for name, bias in codec.encoder.named_parameters():
        if "lstm.bias" in name:  # gates that stay open, so that the LSTM remembers for minutes
            bias.data[len(bias) // 4 : len(bias) // 2] += 3.0
    return config, codec


def noise(config: MusicGenConfig, samples: int) -> np.ndarray:
    rng = np.random.default_rng(samples)
    return (0.3 * rng.standard_normal((config.channels, samples))).astype(np.float32)


@pytest.mark.parametrize("hops", [2.5, PIECE - 1, PIECE, PIECE + 0.99, PIECE + 1, PIECE + 1.01, 2 * PIECE, 107.3])
@torch.no_grad()
def test_pieces_give_what_the_whole_gives(tiny, monkeypatch, hops):
    config, codec = tiny
    audio = noise(config, round(hops * config.hop))
    whole = codec.encoder(torch.from_numpy(audio)[:, None])
    parts = list(PieceEncoder(codec, config.hop).embeddings(SoundStream([audio]), PIECE))
    assert torch.cat(parts, dim=-1).shape == whole.shape
    assert (torch.cat(parts, dim=-1) - whole).abs().max() < 1e-5 * whole.abs().max()
    expected = frontend.audio_codes(codec, config, audio)
    monkeypatch.setattr(frontend, "PIECE_SECONDS", PIECE / config.frame_rate)
    found = frontend.audio_codes(codec, config, audio)
    assert found.shape == (config.num_codebooks, int(hops))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected)


@torch.no_grad()
def test_context_and_state_are_needed(tiny, monkeypatch):
    config, codec = tiny
    audio = noise(config, 100 * config.hop)
    whole = codec.encoder(torch.from_numpy(audio)[:, None])

    def error() -> float:
        parts = PieceEncoder(codec, config.hop).embeddings(SoundStream([audio]), PIECE)
        return float((torch.cat(list(parts), dim=-1) - whole).abs().max() / whole.abs().max())

    with monkeypatch.context() as patch:
        patch.setattr(PieceEncoder, "_remembered", lambda self, x: codec.encoder.layers[-3](x))
        assert error() > 1e-3, "the LSTM remembers"
    monkeypatch.setattr(codec_pieces, "reach", lambda layers: 0)
    assert error() > 1e-3, "the convolutions look to either side"


def test_reach_is_not_too_short(tiny):
    config, codec = tiny
    layers = list(codec.encoder.layers)
    at = next(i for i, layer in enumerate(layers) if hasattr(layer, "lstm"))
    audio = torch.randn(1, 1, 60 * config.hop, requires_grad=True)
    x = audio
    for layer in layers[:at]:
        x = layer(x)
    x[..., 30].square().sum().backward()
    touched = audio.grad[0, 0].nonzero()
    assert 30 * config.hop - reach(layers[:at]) <= int(touched.min())
    assert int(touched.max()) <= 30 * config.hop + reach(layers[:at])


def test_only_one_piece_is_held(tiny, monkeypatch):
    config, codec = tiny
    monkeypatch.setattr(frontend, "PIECE_SECONDS", PIECE / config.frame_rate)
    audio, held = noise(config, 300 * config.hop), []

    class Watched(SoundStream):
        def take(self, first: int, last: int | None = None) -> np.ndarray:
            window = super().take(first, last)
            held.append(sum(block.shape[-1] for block in self._held))
            return window

    frontend.stream_codes(codec, config, Watched(np.split(audio, 300, axis=1)))
    assert max(held) <= (PIECE + 4 * 10) * config.hop


def test_a_codec_that_levels_over_time_is_not_divided(tiny, monkeypatch):
    config, codec = tiny
    audio = noise(config, 100 * config.hop)
    assert is_divisible(codec)
    monkeypatch.setattr(codec.config, "normalize", True)
    assert not is_divisible(codec)
    monkeypatch.setattr(frontend, "PIECE_SECONDS", PIECE / config.frame_rate)
    monkeypatch.setattr(PieceEncoder, "embeddings", lambda *_: pytest.fail("must not be divided"))
    assert frontend.audio_codes(codec, config, audio).shape[1] == 100
