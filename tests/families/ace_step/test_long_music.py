"""Long music is encoded in pieces, and gets the latents of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.families.ace_step.test_codec import PUBLISHED_DCAE
from tests.golden_files import golden_path
from tunesmith.audio import log_mel, sinc
from tunesmith.audio.sinc import sinc_blocks, sinc_resample
from tunesmith.audio.stream import SoundStream
from tunesmith.families.ace_step.config import read_config
from tunesmith.families.ace_step.parts import codec as codec_module
from tunesmith.families.ace_step.parts import dcae, long_dcae
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.families.ace_step.parts.dcae import make_dcae
from tunesmith.families.ace_step.parts.long_dcae import FrameStore, encode_pieces, reach, sections
from tunesmith.pocket.shipped import pocket_path

PIECE = 64
"""Mel frames, 8 latents."""
PIECE_SAMPLES = PIECE * 512 * 160 // 147
"""At 48 kHz."""


@pytest.fixture(scope="module", params=["tiny", "pocket"])
def codec(request) -> MusicCodec:
    folder = golden_path("ace_step/tiny_checkpoint") if request.param == "tiny" else pocket_path("ace_step")
    return MusicCodec(folder, read_config(folder), "cpu")


def music(samples: int) -> np.ndarray:
    """Noise whose level and colour change, so that a piece's sums are not those of the whole."""
    rng = np.random.default_rng(samples)
    noise = rng.standard_normal((2, samples)).astype(np.float32)
    return 0.2 * (noise + np.roll(noise, 1, axis=1)) * np.linspace(0.01, 1, samples, dtype=np.float32) ** 2


@pytest.mark.parametrize("pieces", [0.3, 1.0, 1.00006, 1.9, 2.0, 2.13, 7.77])
def test_pieces_give_the_latents_of_the_whole(codec, monkeypatch, pieces):
    audio = music(int(pieces * PIECE_SAMPLES))
    whole = codec.encode(audio)  # one piece
    monkeypatch.setattr(codec_module, "PIECE_FRAMES", PIECE)
    monkeypatch.setattr(log_mel, "FRAMES_AT_ONCE", 40)
    monkeypatch.setattr(sinc, "BLOCK_SECONDS", 1)
    found = codec.encode(audio)
    assert found.shape == whole.shape
    if pieces <= 1:
        assert torch.equal(found, whole)
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-5)


def published(width: int, kind: str, sampling: str) -> torch.nn.Module:
    """The released layout, narrow, with more than one level that attends."""
    sizes = [width, width, 2 * width, 4 * width]
    config = {
        **PUBLISHED_DCAE,
        "encoder_block_types": ["ResBlock", "ResBlock", kind, "EfficientViTBlock"],
        "attention_head_dim": 8,
        "encoder_block_out_channels": sizes,
        "decoder_block_out_channels": sizes,
        "downsample_block_type": sampling,
        "encoder_qkv_multiscales": [[], [], [3, 5], [5]],
    }
    torch.manual_seed(0)
    return dcae._windowed(make_dcae(config).encoder, config).eval().requires_grad_(False)


@pytest.mark.parametrize("kind", ["ResBlock", "EfficientViTBlock"])
@pytest.mark.parametrize("sampling", ["Conv", "pixel_unshuffle"])
def test_any_layout_of_levels_is_divided(kind, sampling):
    encoder = published(16, kind, sampling)
    mel = torch.randn(2, 32, 1208, generator=torch.Generator().manual_seed(0))
    whole = encoder(mel[None])
    pieces = encode_pieces(encoder, SoundStream(mel.split(100, dim=-1)[i].numpy() for i in range(13)), 136, "cpu")
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5 * float(whole.abs().max()))


@pytest.mark.parametrize("broken", ["context", "sums"])
def test_context_and_sums_are_needed(monkeypatch, broken):
    encoder = published(16, "ResBlock", "Conv")
    mel = torch.randn(2, 32, 1208, generator=torch.Generator().manual_seed(0))
    mel *= torch.linspace(0.1, 2, 1208)
    whole = encoder(mel[None])
    if broken == "context":
        strides = reach
        monkeypatch.setattr(long_dcae, "reach", lambda layers: (0, strides(layers)[1]))
    else:
        attend = long_dcae.attend

        def alone(layer, x, _):
            return attend(layer, x, long_dcae.attention_sums(layer, SoundStream([x[0].numpy()]), 999, "cpu"))

        monkeypatch.setattr(long_dcae, "attend", alone)
    pieces = encode_pieces(encoder, SoundStream([mel.numpy()]), 136, "cpu")
    assert (pieces - whole).abs().max() > 1e-3 * whole.abs().max()


def test_the_released_layout_has_a_section_per_attending_layer():
    with torch.device("meta"):
        encoder = dcae._windowed(make_dcae(PUBLISHED_DCAE).encoder, PUBLISHED_DCAE)
    found = sections(encoder)
    assert [section.attention is None for section in found] == [True, False, False, False]
    assert [reach(section.layers)[1] for section in found] == [8, 1, 1, 1]


def test_stored_frames_come_back_in_order():
    frames = np.arange(3 * 4 * 50, dtype=np.float32).reshape(3, 4, 50)
    with FrameStore(np.split(frames, [7, 20], axis=-1)) as store:
        for size in (1, 9, 50, 60):
            np.testing.assert_array_equal(store.stream(size).take(0), frames)
        np.testing.assert_array_equal(store.stream(7).take(12, 33), frames[..., 12:33])


@pytest.mark.parametrize("samples", [1, 480, 48_000, 48_001, 130_003])
@pytest.mark.parametrize("rates", [(48_000, 44_100), (44_100, 48_000), (16_000, 16_000), (48_000, 24_000)])
def test_sinc_blocks_are_the_whole(monkeypatch, samples, rates):
    monkeypatch.setattr(sinc, "BLOCK_SECONDS", 1)
    sound = np.random.default_rng(0).standard_normal((2, samples)).astype(np.float32)
    blocks = list(sinc_blocks(SoundStream(np.array_split(sound, 7, axis=1)), *rates))
    whole = sinc_resample(torch.from_numpy(sound), *rates).numpy()
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), whole, atol=2e-6)
