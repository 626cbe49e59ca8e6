"""Behaviour of the audio front ends: one cut for both rates, levels, silence, short and odd input."""

from __future__ import annotations

import math

import pytest
import torch

from tunesmith.audio.sinc import sinc_resample
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import SAMPLE_RATE, TOKENIZER_RATE, MelConfig
from tunesmith.families.step_audio.parts.fbank import INT16_SCALE, kaldi_fbank, subtract_mean
from tunesmith.families.step_audio.parts.mel import MEL_FLOOR, log_mel
from tunesmith.families.step_audio.parts.trim import PEAK, Span, TrimRule, energy_norm, prepare_voice, trim_silence
from tunesmith.families.step_audio.parts.whisper_mel import whisper_log_mel


def tone(hertz: float, rate: int, seconds: float) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(int(rate * seconds), dtype=torch.float64) / rate).float()


def recording(rate: int, peak: float = 0.5, speech: float = 0.7) -> torch.Tensor:
    """A tone that rises and falls, with silence around it."""
    sound = tone(440, rate, speech) * torch.hann_window(int(rate * speech)) * peak
    return torch.cat((torch.zeros(int(rate * 0.4)), sound, torch.zeros(int(rate * 0.6))))


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("speech", [0.3, 0.7, 1.234])
def test_both_waves_are_the_same_cut(rate, speech):
    voice = prepare_voice(recording(rate, speech=speech), rate)
    assert len(voice.wave_24k) * TOKENIZER_RATE == len(voice.wave_16k) * SAMPLE_RATE
    assert voice.seconds == pytest.approx(len(voice.wave_24k) / SAMPLE_RATE)
    # What is left of a Hann-shaped sound above -20 dB of its level, and 0.27 s of what is around it.
    assert 0.5 * speech + 0.27 < voice.seconds < speech + 0.3
    other = energy_norm(sinc_resample(voice.wave_24k, SAMPLE_RATE, TOKENIZER_RATE))
    assert (other - voice.wave_16k)[50:-50].abs().max() < 0.01


def test_mel_frames_and_codes_agree():
    for speech in torch.linspace(0.3, 0.5, 23).tolist():
        voice = prepare_voice(recording(24_000, speech=speech), 24_000)
        frames = log_mel(voice.wave_24k[None], MelConfig()).shape[-1]
        assert abs(frames - 2 * len(voice.wave_16k) * 25 / TOKENIZER_RATE) < 1


def test_speech_to_the_very_ends_gets_zeros():
    voice = prepare_voice(tone(300, 16_000, 0.5) * 0.3, 16_000)
    kept_left = int(0.05 * SAMPLE_RATE)
    assert not voice.wave_24k[:kept_left].any()
    assert not voice.wave_24k[-int(0.2 * SAMPLE_RATE) :].any()
    assert voice.wave_24k[kept_left:][:600].abs().max() > 0.2


@pytest.mark.parametrize(("peak", "expected"), [(0.2, 0.2), (0.59, 0.59), (0.95, PEAK), (1.7, PEAK)])
def test_levels(peak, expected):
    voice = prepare_voice(recording(24_000, peak=peak), 24_000)
    assert voice.wave_24k.abs().max() == pytest.approx(expected, rel=1e-2)
    assert voice.wave_16k.abs().max() == pytest.approx(0.999, rel=1e-2)


def test_silence_is_neither_raised_to_full_level_nor_lost():
    quiet = energy_norm(torch.full((100,), 0.001))
    assert quiet.max() == pytest.approx(0.0999)
    voice = prepare_voice(torch.zeros(16_000), 16_000)
    assert 1.0 < voice.seconds < 1.3
    assert not voice.wave_16k.any()


def test_trimming_keeps_what_the_rule_says():
    rule = TrimRule(keep_left_time=0.1, keep_right_time=0.3, hop_size=100)
    wave = torch.cat((torch.zeros(8000), torch.ones(4000), torch.zeros(8000)))
    trimmed = trim_silence(wave, 16_000, rule)
    loud = torch.nonzero(trimmed)[:, 0]
    assert (len(trimmed) - 6400) % 100 == 0
    # A frame that touches the sound is not silent, so up to half a frame more stays.
    assert 1600 <= int(loud[0]) <= 1600 + 256 + 128
    assert len(loud) == 4000


@pytest.mark.parametrize(("start", "length"), [(0, 5), (3, 4), (-2, 5), (-2, 20), (8, 6), (12, 3), (-9, 4), (2, 0)])
def test_a_span_stands_on_zeros_beyond_the_wave(start, length):
    wave = torch.arange(1.0, 11.0)
    expected = [float(wave[i]) if 0 <= i < len(wave) else 0.0 for i in range(start, start + length)]
    assert Span(start, length).cut(wave).tolist() == expected


def test_a_span_at_another_rate():
    assert Span(-800, 23_520).at(16_000, 24_000) == Span(-1200, 35_280)


def test_too_low_a_rate_and_no_samples_are_refused():
    with pytest.raises(TunesmithError, match="8000 Hz"):
        prepare_voice(torch.zeros(100), 8000)
    with pytest.raises(TunesmithError, match="no samples"):
        prepare_voice(torch.zeros(0), 16_000)


def test_a_few_samples_make_a_voice():
    assert prepare_voice(torch.ones(7) * 0.1, 44_100).seconds == pytest.approx(0.285)


def test_mel_of_a_tone_and_of_silence():
    config = MelConfig(n_fft=512, num_mels=20, hop_size=128, win_size=512)
    mel = log_mel(torch.stack((tone(440, 24_000, 0.2), tone(4000, 24_000, 0.2), torch.zeros(4800))), config)
    assert mel.shape == (3, 20, 4800 // 128)
    assert mel[0].mean(-1).argmax() < mel[1].mean(-1).argmax()
    assert torch.equal(mel[2], torch.full_like(mel[2], math.log(MEL_FLOOR)))
    torch.testing.assert_close(mel[1:2], log_mel(tone(4000, 24_000, 0.2)[None], config))


@pytest.mark.parametrize("window", ["povey", "hamming"])
def test_fbank_is_repeatable_and_counts_whole_frames(window):
    wave = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 0.1
    first = kaldi_fbank(wave, n_mels=40, window=window)
    assert first.shape == (1 + (1000 - 400) // 160, 40)
    assert torch.equal(first, kaldi_fbank(wave, n_mels=40, window=window))
    assert kaldi_fbank(wave[:399], n_mels=40, window=window).shape == (0, 40)


def test_fbank_hears_neither_an_offset_nor_once_centred_a_level():
    wave = torch.randn(4000, generator=torch.Generator().manual_seed(0)) * 0.1
    plain = kaldi_fbank(wave, n_mels=40, window="povey")
    torch.testing.assert_close(kaldi_fbank(wave + 0.3, n_mels=40, window="povey"), plain, atol=1e-3, rtol=0)
    louder = kaldi_fbank(wave, n_mels=40, window="povey", scale=INT16_SCALE)
    torch.testing.assert_close(louder - plain, torch.full_like(plain, 2 * math.log(INT16_SCALE)), atol=1e-3, rtol=0)
    torch.testing.assert_close(subtract_mean(louder), subtract_mean(plain), atol=1e-3, rtol=0)


def test_fbank_of_a_tone_lies_in_its_filter():
    """Kaldi's mel of a filter's middle is evenly spaced from 20 Hz to 8 kHz."""
    low, high = (1127 * math.log1p(hertz / 700) for hertz in (20, 8000))
    expected = (1127 * math.log1p(1000 / 700) - low) / ((high - low) / 41) - 1
    peak = kaldi_fbank(tone(1000, 16_000, 0.1), n_mels=40, window="hamming").mean(0).argmax()
    assert abs(int(peak) - expected) <= 0.5


def test_whisper_mel_spans_eight_decades_at_most():
    wave = torch.cat((tone(1000, 16_000, 0.3), torch.zeros(3200)))
    mel = whisper_log_mel(wave, 80)
    assert mel.shape == (80, len(wave) // 160)
    assert mel.max() - mel.min() == pytest.approx(2.0, abs=1e-5)
    assert mel[:, :10].mean(1).argmax() not in (0, 79)
