"""The sinc resampler against its own definition, and as a resampler."""

from __future__ import annotations

import math

import pytest
import torch

from tunesmith.audio.sinc import sinc_resample
from tunesmith.errors import TunesmithError


def tone(hertz: float, rate: int, seconds: float = 0.5) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(int(rate * seconds), dtype=torch.float64) / rate).float()


@pytest.mark.parametrize(
    "rates", [(48_000, 44_100), (44_100, 48_000), (48_000, 16_000), (22_050, 48_000), (44_101, 7_919)]
)
def test_a_tone_keeps_its_pitch_and_level(rates):
    out = sinc_resample(tone(500, rates[0])[None], *rates)
    expected = tone(500, rates[1], seconds=1)[: out.shape[-1]]
    assert out.shape[-1] == math.ceil(int(rates[0] * 0.5) * rates[1] / rates[0])
    assert (out[0] - expected)[200:-200].abs().max() < 2e-3


def test_what_lies_above_the_new_band_is_gone():
    assert sinc_resample(tone(15_000, 48_000), 48_000, 16_000)[200:-200].abs().max() < 1e-2


def test_every_sample_follows_the_formula():
    """y[n] = sum over i of x[i] * sinc(t) * cos²(pi t / 12) * c, t = c * (i - n * 48/32) in zero crossings."""
    audio = torch.randn(200, generator=torch.Generator().manual_seed(0))
    out = sinc_resample(audio, 48_000, 32_000)
    cutoff = 0.99 * 32 / 48
    t = cutoff * (torch.arange(200)[None].double() - torch.arange(len(out))[:, None].double() * 1.5)
    kernel = torch.where(t.abs() < 6, torch.sinc(t) * torch.cos(math.pi * t / 12) ** 2, 0.0) * cutoff
    torch.testing.assert_close(out, (kernel @ audio.double()).float(), atol=2e-6, rtol=0)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 1), (2, 2, 5)])
def test_short_audio_and_leading_dimensions(shape):
    out = sinc_resample(torch.ones(shape), 48_000, 44_100)
    assert out.shape == (*shape[:-1], math.ceil(shape[-1] * 147 / 160))


def test_channels_do_not_mix():
    audio = torch.randn(2, 1000, generator=torch.Generator().manual_seed(1))
    both = sinc_resample(audio, 44_100, 48_000)
    assert torch.equal(both[1], sinc_resample(audio[1], 44_100, 48_000))


def test_equal_rates_return_the_audio_itself():
    audio = torch.ones(2, 5)
    assert sinc_resample(audio, 48_000, 48_000) is audio


def test_a_rate_of_zero_is_refused():
    with pytest.raises(TunesmithError, match="positive"):
        sinc_resample(torch.zeros(1, 10), 0, 32_000)
