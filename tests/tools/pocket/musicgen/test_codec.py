from __future__ import annotations

import numpy as np
import pytest
import torch

from tools.pocket.musicgen.codec import CodecShape, band_levels, fit_codec, lapped_basis, signal_to_noise, write_codec
from tunesmith.pocket.synth import render

torch.set_num_threads(1)
SMALL = CodecShape(sample_rate=8000, strides=(4, 10), bands=40, book_size=32, books=3)


@pytest.fixture(scope="module")
def music() -> torch.Tensor:
    clips = [render(style, 2.0, seed, 8000).audio.mean(axis=1) for style in ("house", "trap808") for seed in (0, 1)]
    return torch.from_numpy(np.stack(clips))


@pytest.fixture(scope="module")
def codec(music: torch.Tensor) -> torch.nn.Module:
    return fit_codec(music, SMALL)


@pytest.mark.parametrize("strides", [(20,), (4, 10), (2, 3, 5), (5, 5, 8)])
def test_with_all_bands_the_transform_is_undone_exactly(music: torch.Tensor, strides: tuple[int, ...]) -> None:
    hop = int(np.prod(strides))
    shape = CodecShape(sample_rate=8000, strides=strides, bands=hop, book_size=32, books=2)
    model = write_codec(shape, torch.linspace(1, 3, hop), torch.ones(hop))
    with torch.no_grad():
        back = model.decoder(model.encoder(music[:, None]))[:, 0]
    inner = slice(hop, -hop)  # the first and last half frame overlap with nothing
    assert signal_to_noise(music[:, inner], back[:, inner]) > 45


def test_the_basis_is_orthonormal_under_overlap_add() -> None:
    basis = lapped_basis(20, 20)
    assert torch.allclose(basis @ basis.T, torch.eye(20), atol=1e-5)
    assert torch.allclose(basis[:, :20] @ basis[:, 20:].T, torch.zeros(20, 20), atol=1e-5)


def test_silence_is_code_zero_and_code_zero_is_silence(codec: torch.nn.Module) -> None:
    with torch.no_grad():
        assert codec.encode(torch.zeros(1, 1, 800)).audio_codes.abs().sum() == 0
        assert codec.decode(torch.zeros(1, 1, 3, 20, dtype=torch.long), [None]).audio_values.abs().max() == 0


@pytest.mark.parametrize(("samples", "frames"), [(400, 10), (401, 11), (439, 11), (440, 11)])
def test_the_last_frame_is_padded(codec: torch.nn.Module, samples: int, frames: int) -> None:
    with torch.no_grad():
        assert codec.encode(torch.randn(1, 1, samples)).audio_codes.shape == (1, 1, 3, frames)


def test_music_survives_with_its_high_bands(codec: torch.nn.Module, music: torch.Tensor) -> None:
    with torch.no_grad():
        codes = codec.encode(music[:, None]).audio_codes
        back = codec.decode(codes, [None]).audio_values[:, 0]
    assert signal_to_noise(music, back) > 5
    assert all(len(codes[0, :, book].unique()) > 20 for book in range(3))
    edges = (0.0, 200.0, 1000.0, 3800.0)
    before, after = (band_levels(x.numpy().ravel(), 8000, edges) for x in (music, back))
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 6


def test_it_reloads_from_half_precision_with_the_same_codes(codec: torch.nn.Module, music: torch.Tensor) -> None:
    copy = write_codec(SMALL, torch.ones(40), torch.ones(40))
    copy.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k, v in codec.state_dict().items()})
    with torch.no_grad():
        codes = [model.encode(music[:, None]).audio_codes for model in (codec, copy)]
    assert torch.equal(*codes)


def test_fitting_twice_gives_the_same_books(codec: torch.nn.Module, music: torch.Tensor) -> None:
    again = fit_codec(music, SMALL)
    pairs = zip(codec.quantizer.layers, again.quantizer.layers, strict=True)
    assert all(torch.equal(a.codebook.embed, b.codebook.embed) for a, b in pairs)
