"""The codec beyond the golden values: windows, loading, names and sizes of the published weights."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.golden_files import assert_close, golden_path
from tunesmith.audio.log_mel import LogMel
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import read_config
from tunesmith.families.ace_step.parts import codec as codec_module
from tunesmith.families.ace_step.parts import dcae
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.families.ace_step.parts.overlap import decode_mel_overlapped, decode_wave_overlapped
from tunesmith.families.ace_step.parts.vocoder import Vocoder, load_vocoder
from tunesmith.families.component import DIFFUSERS_WEIGHTS

PUBLISHED_VOCODER = {
    "input_channels": 128, "depths": [3, 3, 9, 3], "dims": [128, 256, 384, 512], "kernel_sizes": [7],
    "upsample_rates": [4, 4, 2, 2, 2, 2, 2], "upsample_kernel_sizes": [8, 8, 4, 4, 4, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11, 13], "resblock_dilation_sizes": [[1, 3, 5]] * 4, "num_mels": 512,
    "upsample_initial_channel": 1024, "use_template": False, "pre_conv_kernel_size": 13, "post_conv_kernel_size": 13,
    "sampling_rate": 44_100, "n_fft": 2048, "win_length": 2048, "hop_length": 512, "f_min": 40, "f_max": 16_000,
    "n_mels": 128,
}  # fmt: skip
PUBLISHED_DCAE = {
    "in_channels": 2, "latent_channels": 8, "attention_head_dim": 32,
    "encoder_block_types": ["ResBlock"] * 3 + ["EfficientViTBlock"],
    "decoder_block_types": ["ResBlock"] * 3 + ["EfficientViTBlock"],
    "encoder_block_out_channels": [128, 256, 512, 1024], "decoder_block_out_channels": [128, 256, 512, 1024],
    "encoder_layers_per_block": [2, 2, 3, 3], "decoder_layers_per_block": [3, 3, 3, 3],
    "encoder_qkv_multiscales": [[], [], [5], [5]], "decoder_qkv_multiscales": [[], [], [5], [5]],
    "upsample_block_type": "interpolate", "downsample_block_type": "Conv", "decoder_norm_types": "rms_norm",
    "decoder_act_fns": "silu", "scaling_factor": 0.41407, "_class_name": "AutoencoderDC",
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint():
    return golden_path("ace_step/tiny_checkpoint")


@pytest.fixture(scope="module")
def codec(checkpoint) -> MusicCodec:
    return MusicCodec(checkpoint, read_config(checkpoint), "cpu")


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_published_vocoder_has_713_tensors():
    with torch.device("meta"):
        vocoder = Vocoder(PUBLISHED_VOCODER)
    sizes = {name: tensor.numel() for name, tensor in vocoder.state_dict().items()}
    normed = [name for name in sizes if name.startswith("head.") and name.endswith(".weight")]
    on_disk = len(sizes) + len(normed)  # weight_g and weight_v for every weight of the head
    scales = sum(vocoder.state_dict()[name].shape[0] for name in normed)
    assert on_disk == 713
    assert sum(sizes.values()) + scales == 103_138_386
    assert {name: tuple(b.shape) for name, b in vocoder.named_buffers()} == {
        "mel_transform.spectrogram.window": (2048,),
        "mel_transform.mel_scale.fb": (1025, 128),
    }


def test_the_published_dcae_has_192_tensors():
    with torch.device("meta"):
        whole = dcae.make_dcae(PUBLISHED_DCAE)
    sizes = [tensor.numel() for tensor in whole.state_dict().values()]
    assert (len(sizes), sum(sizes)) == (192, 156_812_426)


def test_encoding_loads_neither_decoder_nor_vocoder(checkpoint):
    codec = MusicCodec(checkpoint, read_config(checkpoint), "cpu")
    codec.encode(noise(2, 9000))
    loaded = {"log_mel", "dcae_encoder", "dcae_decoder", "vocoder"} & set(vars(codec))
    assert loaded == {"log_mel", "dcae_encoder"}
    assert not any(p.requires_grad for p in codec.dcae_encoder.parameters())
    codec.close()
    assert "dcae_encoder" not in vars(codec)


@pytest.mark.parametrize("frames", [64, 72, 200])
def test_the_windowed_encoder_equals_the_undivided_one(codec, monkeypatch, frames):
    encoder, mel = codec.dcae_encoder, noise(1, 2, 128, frames)
    assert isinstance(encoder.conv_in, dcae.Windowed)
    whole = encoder(mel)
    monkeypatch.setattr(dcae, "WINDOW_FRAMES", 64)
    assert_close("windowed", encoder(mel), whole, 1e-5)
    if frames > 64:
        monkeypatch.setattr(encoder.conv_in, "context", 0)
        assert (encoder(mel) - whole).abs().max() > 1e-4, "the context is needed"


def test_the_context_of_a_published_window_is_exact(monkeypatch):
    """With the released depths, a frame beyond the context changes nothing, and the context's outermost ones do."""
    small = {
        **PUBLISHED_DCAE,
        "encoder_block_out_channels": [8, 8, 16, 32],
        "decoder_block_out_channels": [8, 8, 16, 32],
    }
    torch.manual_seed(0)
    encoder = dcae._windowed(dcae.make_dcae(small).encoder, small)
    local, context = encoder.conv_in.net.double(), encoder.conv_in.context
    mel = noise(1, 2, 8, 512).double().requires_grad_()
    local(mel)[..., 32].square().sum().backward()
    touched = mel.grad.abs().sum(dim=(0, 1, 2)).nonzero()
    first, last = int(touched.min()), int(touched.max())
    assert 256 - context <= first <= 256 - context + encoder.conv_in.stride
    assert last < 256 + encoder.conv_in.stride + context


@pytest.mark.parametrize("frames", [1, 255, 256, 257, 512, 513, 600, 768, 769, 1300])
def test_latent_windows_leave_and_double_nothing(frames):
    latents = torch.arange(frames, dtype=torch.float32).expand(1, 1, 1, -1)
    calls: list[int] = []

    def decoder(window: torch.Tensor) -> torch.Tensor:
        calls.append(window.shape[-1])
        return window.repeat_interleave(8, dim=-1)

    assert torch.equal(decode_mel_overlapped(decoder, latents, 8), latents.repeat_interleave(8, dim=-1))
    assert max(calls) <= 512


@pytest.mark.parametrize("frames", [1, 300, 507, 508, 509, 510, 511, 512, 513, 1016, 1017, 1018, 1019, 1100])
def test_vocoder_windows_leave_and_double_nothing(frames):
    hop = 512
    mel = noise(2, 4, frames)

    def decode(block: torch.Tensor) -> torch.Tensor:
        return block[:, 0].repeat_interleave(hop, dim=-1)

    assert_close("audio", decode_wave_overlapped(decode, mel, hop), decode(mel), 1e-6)


def test_only_long_music_is_decoded_in_windows(codec, monkeypatch):
    asked: list[bool] = []

    def fake(latents: torch.Tensor, *, overlapped: bool) -> torch.Tensor:
        asked.append(overlapped)
        return torch.zeros(2, 441)

    monkeypatch.setattr(codec, "decode_native", fake)
    limit = codec.config.frames(codec_module.OVERLAP_SECONDS)
    for frames in (limit, limit + 1):
        codec.decode(torch.zeros(1, 8, 16, frames), overlapped=True)
        codec.decode(torch.zeros(1, 8, 16, frames), overlapped=False)
    assert asked == [False, False, True, False]


def test_clips_of_a_batch_are_decoded_alone_and_cut(codec):
    latents = noise(2, 8, 16, 3)
    first, second = codec.decode(latents, overlapped=True, seconds=[0.1, 0.2])
    assert (first.shape, second.shape) == ((2, 4800), (2, 9600))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(second, codec.decode(latents[1:], overlapped=True, seconds=[0.2])[0])


@pytest.mark.parametrize("samples", [1000, 4459, 48_000])
def test_frames_of_a_clip_are_rounded_up(codec, samples):
    native = -(-samples * 147 // 160)
    latents = codec.encode(np.zeros((2, samples), np.float32))
    assert latents.shape == (8, 16, -(-native // codec.config.hop))


def test_both_spellings_of_weight_norm_load(checkpoint, tmp_path):
    source = checkpoint / "music_vocoder"
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(source / DIFFUSERS_WEIGHTS)
    new = ("parametrizations.weight.original0", "parametrizations.weight.original1")
    renamed = {k.replace("weight_g", new[0]).replace("weight_v", new[1]): v for k, v in tensors.items()}
    assert renamed.keys() != tensors.keys()
    save_file(renamed, tmp_path / DIFFUSERS_WEIGHTS)
    old = load_vocoder(source, config).state_dict()
    for name, tensor in load_vocoder(tmp_path, config).state_dict().items():
        assert torch.equal(tensor, old[name]), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("head.conv_pre.bias"), "1 missing .head.conv_pre.bias"),
        (lambda t: t.pop("head.conv_pre.weight_v"), "head.conv_pre.weight_g"),
        (lambda t: t.update(stray=torch.zeros(1)), "1 unknown .stray"),
        (lambda t: t.update({"backbone.norm.bias": torch.zeros(1)}), "1 of another shape .backbone.norm.bias"),
    ],
)
def test_weights_that_do_not_fit_are_named(checkpoint, tmp_path, change, message):
    source = checkpoint / "music_vocoder"
    tensors = load_file(source / DIFFUSERS_WEIGHTS)
    change(tensors)
    save_file(tensors, tmp_path / DIFFUSERS_WEIGHTS)
    with pytest.raises(TunesmithError, match=message):
        load_vocoder(tmp_path, json.loads((source / "config.json").read_text()))


def test_absent_and_broken_files_are_named(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "copy")
    folder = tmp_path / "copy"
    codec = MusicCodec(folder, read_config(folder), "cpu")
    (folder / "music_vocoder" / DIFFUSERS_WEIGHTS).unlink()
    with pytest.raises(TunesmithError, match=r"music_vocoder.*missing"):
        codec.encode(noise(2, 9000))
    (folder / "music_dcae_f8c8" / DIFFUSERS_WEIGHTS).write_bytes(b"no weights at all")
    with pytest.raises(TunesmithError, match=r"music_dcae_f8c8.*cannot be read"):
        codec.decode(noise(1, 8, 16, 3), overlapped=False)


def test_a_vocoder_with_a_template_is_refused():
    with pytest.raises(TunesmithError, match="use_template"), torch.device("meta"):
        Vocoder({**PUBLISHED_VOCODER, "use_template": True})


def test_mel_frames_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    mel, audio = LogMel(PUBLISHED_VOCODER), noise(2, 512 * 20)
    whole = mel(audio)
    monkeypatch.setattr("tunesmith.audio.log_mel.FRAMES_AT_ONCE", 7)
    assert whole.shape == (2, 128, 20)
    assert_close("mel", mel(audio), whole, 1e-5)
