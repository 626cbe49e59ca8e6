"""Behaviour of the vocoder: lengths, repeatability, what the source sounds like, and its weights on disk."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.utils.parametrizations import weight_norm

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import F0Config, HiftConfig
from tunesmith.families.step_audio.parts.hift import Hift
from tunesmith.families.step_audio.parts.hift_source import HarmonicSource
from tunesmith.families.step_audio.parts.hift_weights import load_hift

TINY = HiftConfig(in_channels=6, base_channels=16, f0_predictor=F0Config(in_channels=6, cond_channels=8))
OTHER = replace(
    TINY,
    nb_harmonics=2,
    upsample_rates=(4, 2),
    upsample_kernel_sizes=(8, 4),
    istft_n_fft=8,
    istft_hop_len=2,
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1, 2),),
    source_resblock_kernel_sizes=(3, 5),
    source_resblock_dilation_sizes=((1,), (1,)),
)


def make(config: HiftConfig) -> Hift:
    torch.manual_seed(0)
    return Hift(config).eval().requires_grad_(False)


def mel(frames: int, rows: int = 1) -> torch.Tensor:
    return torch.randn(rows, TINY.in_channels, frames, generator=torch.Generator().manual_seed(frames))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("config", [TINY, OTHER])
@pytest.mark.parametrize("frames", [1, 2, 13])
def test_a_mel_becomes_a_hop_per_frame(config, frames):
    hift = make(config)
    wave = hift(mel(frames, rows=2), seeded(0))
    assert wave.shape == (2, frames * hift.hop)
    assert hift.hop == math.prod(config.upsample_rates) * config.istft_hop_len
    assert wave.any()


def test_the_wave_stays_within_the_limit():
    hift = make(TINY)
    hift.conv_post.bias.fill_(8.0)
    assert hift(mel(4), seeded(0)).abs().max() == pytest.approx(TINY.audio_limit)


def test_the_seed_decides():
    hift = make(TINY)
    first, again, other = (hift(mel(5), seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rows_do_not_mix():
    hift = make(TINY)
    both, noise = mel(6, rows=2), hift.m_source.draw(2, 6, seeded(3))
    f0 = torch.tensor([[220.0], [90.0]]).expand(2, 6)
    batched = hift.decode(both, hift.m_source(f0, noise))
    for row in range(2):
        one = slice(row, row + 1)
        torch.testing.assert_close(
            batched[one], hift.decode(both[one], hift.m_source(f0[one], noise[one])), atol=1e-5, rtol=0
        )


def test_noise_is_the_second_draw_of_the_seed():
    """Upstream draws its phases first; the noise after it is the same for the same seed."""
    source = HarmonicSource(TINY, hop=480)
    stream = seeded(7)
    torch.rand(1, source.harmonics, generator=stream)
    assert torch.equal(source.draw(1, 3, seeded(7)), torch.randn(1, 3 * 480, source.harmonics, generator=stream))


def of_one_harmonic(f0: torch.Tensor, noise: float, order: int) -> torch.Tensor:
    source = HarmonicSource(TINY, hop=480).requires_grad_(False)
    source.l_linear.weight.zero_()[0, order - 1] = 1.0
    source.l_linear.bias.zero_()
    return source(f0, torch.full((1, f0.shape[1] * 480, source.harmonics), noise))[0].atanh()


@pytest.mark.parametrize("order", [1, 3])
def test_a_voiced_source_sings_the_pitch_and_its_harmonics(order):
    wave = of_one_harmonic(torch.full((1, 50), 200.0), 0.0, order)
    spectrum = torch.fft.rfft(wave).abs()
    assert int(spectrum.argmax()) * TINY.sampling_rate / len(wave) == pytest.approx(200 * order, abs=1.0)
    assert wave.abs().max() == pytest.approx(TINY.nsf_alpha, rel=1e-2)


def test_a_gliding_pitch_has_no_clicks():
    wave = of_one_harmonic(torch.linspace(100, 300, 40)[None], 0.0, 1)
    assert wave.diff().abs().max() < 1.05 * TINY.nsf_alpha * 2 * math.pi * 300 / TINY.sampling_rate


def test_noise_is_loud_where_there_is_no_pitch_and_faint_elsewhere():
    threshold = TINY.nsf_voiced_threshold
    wave = of_one_harmonic(torch.tensor([[threshold, 0.0]]), 1.0, 1)
    torch.testing.assert_close(wave, torch.full_like(wave, TINY.nsf_alpha / 3))
    voiced = torch.full((1, 4), 100.0)
    added = of_one_harmonic(voiced, 1.0, 1) - of_one_harmonic(voiced, 0.0, 1)
    torch.testing.assert_close(added, torch.full_like(added, TINY.nsf_sigma), atol=1e-6, rtol=0)


def with_weight_norm(hift: Hift) -> dict[str, torch.Tensor]:
    """The same weights as upstream keeps them, in torch's present spelling."""
    normed = [hift.conv_pre, hift.conv_post, *hift.ups]
    normed += [layer for layer in hift.f0_predictor.condnet if isinstance(layer, torch.nn.Conv1d)]
    for block in (*hift.resblocks, *hift.source_resblocks):
        normed += [*block.convs1, *block.convs2]
    for layer in normed:
        weight_norm(layer)
    return {name: tensor.detach() for name, tensor in hift.state_dict().items()}


def old_names(raw: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    ends = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    return {
        next((name.removesuffix(new) + old for new, old in ends.items() if name.endswith(new)), name): tensor
        for name, tensor in raw.items()
    }


@pytest.mark.parametrize("spelling", ["merged", "parametrizations", "weight_g"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_every_spelling_of_the_weights_is_read(tmp_path, spelling, suffix):
    expected = make(TINY)(mel(4), seeded(0))
    state = make(TINY).state_dict() if spelling == "merged" else with_weight_norm(make(TINY))
    state = old_names(state) if spelling == "weight_g" else state
    assert any(spelling in name for name in state) or spelling == "merged"
    loaded = load_hift(saved(tmp_path / f"hift{suffix}", state), TINY)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    torch.testing.assert_close(loaded(mel(4), seeded(0)), expected, atol=1e-5, rtol=0)


def saved(file: Path, state: dict[str, torch.Tensor]) -> Path:
    if file.suffix == ".pt":
        torch.save(dict(state), file)
    else:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, file)
    return file


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("ups.1.bias"), r"1 missing \(ups\.1\.bias\)"),
        (lambda state: state.update(extra=torch.zeros(1)), r"1 unknown \(extra\)"),
        (lambda state: state.update({"conv_pre.bias": torch.zeros(3)}), r"1 of another shape \(conv_pre\.bias\)"),
        (lambda state: state.pop("conv_pre.parametrizations.weight.original1"), r"1 missing \(conv_pre\.weight\).*unk"),
    ],
)
def test_other_weights_are_refused_by_name(tmp_path, change, said):
    state = with_weight_norm(make(TINY))
    change(state)
    with pytest.raises(TunesmithError, match=said):
        load_hift(saved(tmp_path / "hift.pt", state), TINY)


def test_a_missing_file_and_a_pickled_object_are_refused(tmp_path):
    with pytest.raises(TunesmithError, match="missing"):
        load_hift(tmp_path / "hift.pt", TINY)
    torch.save(make(TINY), tmp_path / "hift.pt")
    with pytest.raises(TunesmithError, match="cannot be read"):
        load_hift(tmp_path / "hift.pt", TINY)
