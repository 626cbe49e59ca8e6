"""Mel front end, DCAE and vocoder against upstream's own, on random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.golden_files import assert_close, golden_path, golden_tensors
from tunesmith.audio.log_mel import LogMel
from tunesmith.audio.mel_basis import mel_filterbank
from tunesmith.audio.sinc import sinc_resample
from tunesmith.families.ace_step.config import LATENT_SCALE, LATENT_SHIFT, MEL_MAX, MEL_MIN, SAMPLE_RATE, read_config
from tunesmith.families.ace_step.parts.codec import MusicCodec, scale_latents, unscale_latents

Golden = tuple[dict[str, torch.Tensor], dict[str, Any]]


@pytest.fixture(scope="module")
def golden() -> Golden:
    return golden_tensors("ace_step/dcae_vocoder")


@pytest.fixture(scope="module")
def codec() -> MusicCodec:
    folder = golden_path("ace_step/tiny_checkpoint")
    return MusicCodec(folder, read_config(folder), "cpu")


def test_golden_constants(golden):
    settings = golden[1]
    assert (settings["shift_factor"], settings["scale_factor"]) == (LATENT_SHIFT, LATENT_SCALE)
    assert (settings["min_mel"], settings["max_mel"]) == (MEL_MIN, MEL_MAX)


def test_golden_filterbank(golden, codec):
    tensors, settings = golden
    v = settings["vocoder"]
    fb = mel_filterbank(v["sampling_rate"], v["n_fft"] // 2 + 1, v["n_mels"], v["f_min"], v["f_max"])
    assert_close("computed", fb, tensors["const.mel_fb"], 1e-6)
    assert_close("from the file", codec.log_mel.mel_scale.fb, tensors["const.mel_fb"], 1e-6)


def test_golden_encode(golden, codec):
    tensors, _ = golden
    audio = tensors["in.wav48k"]
    native = sinc_resample(audio, SAMPLE_RATE, codec.config.codec_rate)
    assert_close("44.1 kHz", native, tensors["out.wav44k"], 1e-5)
    assert_close("log mel", codec.log_mel(padded(native, codec)), tensors["out.logmel"][0], 1e-4)
    assert_close("raw latents", codec.encode_mel(tensors["out.logmel"]), tensors["out.dcae_raw"])
    assert_close("scaled", scale_latents(tensors["out.dcae_raw"]), tensors["out.latents"], 1e-6)
    assert_close("unscaled", unscale_latents(tensors["out.latents"]), tensors["out.dcae_raw"], 1e-5)
    for clip, latents in zip(audio, tensors["out.latents"], strict=True):
        assert_close("latents", codec.encode(clip), latents)
        assert_close("latents of an array", codec.encode(clip.numpy()), latents)


def test_golden_latent_lengths(golden, codec):
    tensors, _ = golden
    seconds = tensors["in.wav48k"].shape[-1] / SAMPLE_RATE
    assert codec.config.frames(seconds) == int(tensors["out.latent_lengths"][0])


def test_golden_decode(golden, codec):
    tensors, _ = golden
    latents = tensors["out.latents"]
    mel = codec.decode_mel(latents)
    assert_close("mel", (mel - MEL_MIN) / (MEL_MAX - MEL_MIN) * 2 - 1, tensors["out.decoded_norm_mel"])
    first_channel = ((tensors["out.decoded_norm_mel"] + 1) / 2 * (MEL_MAX - MEL_MIN) + MEL_MIN)[:, 0]
    backbone = codec.vocoder.backbone(first_channel)
    assert_close("backbone", backbone, tensors["out.vocoder_backbone"])
    assert_close("vocoder", codec.vocoder.decode(first_channel)[:, None], tensors["out.vocoder_wav_ch0"])
    assert_close("44.1 kHz", codec.decode_native(latents[0], overlapped=False), tensors["out.decode_44k"])


def test_golden_decode_at_48_khz_and_cut(golden, codec):
    tensors, _ = golden
    whole = codec.decode(tensors["out.latents"], overlapped=False)
    assert_close("48 kHz", torch.from_numpy(np.stack(whole)), tensors["out.decode_48k"][None])
    wanted = tensors["out.decode_48k_len"]
    cut = codec.decode(tensors["out.latents"], overlapped=False, seconds=[wanted.shape[-1] / SAMPLE_RATE])
    assert_close("48 kHz, cut", torch.from_numpy(cut[0]), wanted)


def test_golden_overlapped_decode(golden, codec):
    tensors, _ = golden
    latents = tensors["in.long_latents"][0]
    overlapped = codec.decode_native(latents, overlapped=True)
    assert list(overlapped.shape) == tensors["out.overlap_len"].tolist()
    windowed, step = every_nth(tensors, "out.overlap_every")
    assert_close("overlapped", overlapped[:, ::step], windowed)
    plain, step = every_nth(tensors, "out.long_plain_every")
    assert_close("undivided", codec.decode_native(latents, overlapped=False)[:, ::step], plain)


def every_nth(tensors: dict[str, torch.Tensor], prefix: str) -> tuple[torch.Tensor, int]:
    """A thinned-out tensor, and of how many samples it keeps one: the end of its name."""
    (name,) = (name for name in tensors if name.startswith(prefix))
    return tensors[name], int(name.removeprefix(prefix))


def padded(native: torch.Tensor, codec: MusicCodec) -> torch.Tensor:
    return torch.nn.functional.pad(native[0], (0, -native.shape[-1] % codec.config.hop))


def test_golden_front_end_computed_from_the_config_equals_the_files(codec):
    computed = LogMel(codec.config.vocoder)
    for name, tensor in codec.log_mel.state_dict().items():
        assert_close(name, computed.state_dict()[name], tensor, 1e-6)
