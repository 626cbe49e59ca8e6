"""The formulas, on sounds whose answer is known; and no sound that breaks them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

from tests.evaluation import failures
from tests.evaluation.music import RATE, measured, song
from tunesmith.audio.measure.loudness import k_weighting
from tunesmith.audio.measure.noise_windows import STEADY_DB, is_noise, noise_windows
from tunesmith.audio.measure.structure import repetition
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.signals import SPECTRAL_LIMIT_S, Signals, loudness_curve, measure


def sine(frequency: float, seconds: float = 4.0, rate: int = 48_000, gain: float = 1.0) -> np.ndarray:
    return gain * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def white(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * rate))


def test_the_ear_filter_has_the_printed_coefficients():
    # ITU-R BS.1770-4, tables 1 and 2, for 48 kHz.
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), [shelf, high_pass], atol=1e-8)


@pytest.mark.parametrize("rate", [16_000, 32_000, 44_100, 48_000])
def test_loudness_follows_the_standard(rate):
    # BS.1770: a full-scale 997 Hz sine in one channel measures -3.01 LUFS; in both, 3 dB more.
    assert measure(sine(997, rate=rate), rate).lufs == pytest.approx(-3.01, abs=0.1)
    both = np.stack([sine(997, rate=rate)] * 2, axis=1)
    assert measure(both, rate).lufs == pytest.approx(0.0, abs=0.1)
    assert measure(sine(50, rate=rate), rate).lufs < -3.3  # the ear hears bass less


def test_the_loudness_curve_follows_the_level():
    audio = np.concatenate([sine(997, 2), sine(997, 2, gain=0.1), np.zeros(2 * 48_000)])
    curve = loudness_curve(audio, 48_000)
    assert len(curve) == 57
    assert curve[5] - curve[30] == pytest.approx(20, abs=0.1)
    assert curve[-1] == -80


def test_pauses_do_not_count_towards_loudness():
    audio = np.concatenate([sine(997, 3), np.zeros(3 * 48_000)])
    assert measure(audio, 48_000).lufs == pytest.approx(-3.0, abs=0.5)


@pytest.mark.parametrize("decibels", [6, 20])
def test_a_fade_is_measured_in_decibels_per_second(decibels):
    noise = np.stack([white(8, 32_000, seed) for seed in (0, 1)], axis=1)
    signals = measure(failures.fade(decibels)(noise, 32_000, np.random.default_rng(0)), 32_000)
    assert signals.fade_slope == pytest.approx(-decibels / 8, rel=0.1)
    assert signals.fade_drop3 == pytest.approx(decibels * 2 / 3, rel=0.15)
    assert signals.fade_tau < -0.9


def test_silence_at_the_ends_is_timed():
    audio = np.concatenate([np.zeros(16_000), white(3, 16_000), np.zeros(2 * 16_000)])
    signals = measure(audio, 16_000)
    assert signals.lead_sil_s == pytest.approx(1, abs=0.01)
    assert signals.trail_sil_s == pytest.approx(2, abs=0.01)
    assert signals.dead_tail_s == pytest.approx(1.7, abs=0.2)  # windows of 0.4 s still hold some sound


def test_a_quiet_tail_is_dead_only_20_db_down():
    loud, tail = white(4, RATE), white(3, RATE)
    assert measure(np.concatenate([loud, 0.03 * tail]), RATE).dead_tail_s == pytest.approx(2.7, abs=0.15)
    assert measure(np.concatenate([loud, 0.2 * tail]), RATE).dead_tail_s == 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000, 44_100, 48_000])
def test_noise_measures_as_theory_says_at_every_rate(rate):
    signals = measure(white(8, rate), rate)
    assert signals.flat_white == pytest.approx(math.exp(-np.euler_gamma), abs=0.02)
    assert signals.fine_corr == pytest.approx(0, abs=0.03)
    assert signals.eff_rank > 28
    assert signals.noise_share == 1
    assert signals.noise_onset_s == 0
    assert signals.loop_sim < 0.1


def test_colour_does_not_hide_noise():
    pink = measure(failures.noise("pink")(song(0), RATE, np.random.default_rng(0)), RATE)
    assert pink.flatness < 0.45
    assert pink.flat_white == pytest.approx(0.56, abs=0.02)
    assert measured(0).flat_white < 0.4


def test_empty_treble_is_not_taken_for_noise():
    spectrum = np.fft.rfft(song(2), axis=0)
    spectrum[int(len(spectrum) * 0.25) :] = 0
    assert measure(np.fft.irfft(spectrum, axis=0), RATE).flat_white < 0.4


def test_muffled_noise_is_still_noise():
    spectrum = np.fft.rfft(white(8, 32_000))
    spectrum[np.fft.rfftfreq(8 * 32_000, 1 / 32_000) > 3_000] = 0
    assert measure(np.fft.irfft(spectrum), 32_000).flat_white > 0.53


def test_waveform_faults_are_measured():
    audio = song(0)
    assert measure(audio + 0.03, RATE).dc == pytest.approx(0.03, abs=2e-3)
    assert measure(failures.clip(9)(audio, RATE, np.random.default_rng(0)), RATE).clip_frac > 0.01
    assert measured(0).clip_frac < 1e-4
    assert measure(failures.clip(9)(audio, RATE, np.random.default_rng(0)), RATE).peak_bin_ratio > 40
    assert measure(sine(440), 48_000).crest_db == pytest.approx(3.01, abs=0.01)


def test_what_passes_full_scale_is_clipped_wherever_it_is_held():
    audio = sine(440, gain=1.5)
    over = np.count_nonzero(np.abs(audio) > 1) / audio.size
    assert measure(audio, 48_000).clip_frac == measure(audio, 48_000).over_frac == over > 0.4


def test_a_steady_bass_note_is_not_clipped():
    assert measure(sine(50, rate=32_000, gain=0.8), 32_000).clip_frac < 1e-3


def test_stereo_is_measured_and_mono_is_not():
    audio = song(0)
    assert -40 < measured(0).side_mid_db < 0
    assert measure(failures.mono(audio, RATE, np.random.default_rng(0)), RATE).side_mid_db < -100
    assert measure(failures.antiphase(audio, RATE, np.random.default_rng(0)), RATE).stereo_corr == pytest.approx(-1)
    assert measure(audio * [1, 0.1], RATE).lr_diff_db == pytest.approx(20, abs=1)
    assert math.isnan(measure(audio[:, 0], RATE).side_mid_db)


def test_channels_that_cancel_out_are_still_heard():
    opposite = measure(failures.antiphase(song(0), RATE, np.random.default_rng(0)), RATE)
    assert opposite.pulse == pytest.approx(measured(0).pulse, abs=0.1)


@pytest.mark.parametrize("edge", [4_000, 8_000, 11_000])
def test_a_cliff_in_the_spectrum_is_found(edge):
    rate = 44_100
    spectrum = np.fft.rfft(white(6, rate))
    frequencies = np.fft.rfftfreq(6 * rate, 1 / rate)
    full, low = measure(np.fft.irfft(spectrum), rate), measure(np.fft.irfft(spectrum * (frequencies < edge)), rate)
    assert low.band_edge_hz == pytest.approx(edge, abs=150)
    assert low.band_drop_db > 40
    assert full.band_edge_hz == rate / 2


def test_bass_and_brightness():
    low, high = measure(sine(60, rate=RATE), RATE), measure(sine(3_000, rate=RATE), RATE)
    assert low.sub_share > 0.95
    assert high.sub_share < 0.01
    assert measure(sine(3_000, rate=RATE, gain=0.3) + 0.2, RATE).sub_share < 0.01  # an offset is no bass
    assert high.centroid_hz == pytest.approx(3_000, rel=0.02)


def drums(bpm: float, kicks: tuple[int, ...] = (0, 10), seconds: float = 8.0) -> np.ndarray:
    """Sixteenths of a bar: kicks where told, snares on two and four, hats on the eighths."""
    rng, step, time = np.random.default_rng(0), 15 / bpm, np.arange(2_000) / RATE
    kick = np.sin(2 * np.pi * 60 * time) * np.exp(-20 * time)
    snare, hat = (rng.standard_normal(2_000) * np.exp(-speed * time) for speed in (40, 160))
    audio = np.zeros(int(seconds * RATE) + 2_000)
    for number in range(int(seconds / step)):
        place, first = number % 16, int(number * step * RATE)
        sound = (place in kicks) * kick + 0.8 * (place in (4, 12)) * snare + 0.3 * (place % 2 == 0) * hat
        audio[first : first + 2_000] += 0.5 * sound
    return audio[: int(seconds * RATE)]


@pytest.mark.parametrize("kicks", [(0, 10), (0, 8), (0, 6, 10)])
@pytest.mark.parametrize("bpm", [90, 120, 144, 178])
def test_tempo_of_a_drum_beat(bpm, kicks):
    signals = measure(drums(bpm, kicks), RATE)
    assert min(abs(signals.tempo_bpm / bpm / octave - 1) for octave in (0.5, 1, 2)) < 0.02
    assert signals.tempo_confidence > 0.3
    assert signals.pulse > 0.4


def test_repetition_is_found_with_its_lag():
    signals = measure(failures.stuck(0.5)(song(0), RATE, np.random.default_rng(0)), RATE)
    assert signals.repeat_share > 0.6
    assert signals.repeat_lag_s == pytest.approx(0.5, abs=0.02)
    assert measured(0).repeat_share < 0.4


def test_two_equal_seconds_of_a_short_clip_are_no_loop():
    mel = 20 * np.random.default_rng(0).standard_normal((400, 40))
    mel[200:300] = mel[100:200]
    share, lag = repetition(mel)
    assert (share, lag) == (pytest.approx(0.2), pytest.approx(1.0))


def test_noisy_drums_over_a_tune_are_no_noise():
    assert is_noise(flatness=0.3, flat_white=0.55, fine_corr=0.02)
    assert not is_noise(flatness=0.3, flat_white=0.55, fine_corr=0.2)
    assert is_noise(flatness=0.3, flat_white=0.45, fine_corr=0.02)
    assert not is_noise(math.nan, math.nan, math.nan)


def test_a_dissolve_needs_a_turn():
    rng, frames, hop = np.random.default_rng(0), 312, 0.032
    flatness, active = np.full(frames, 0.2), np.ones(frames, bool)
    fine = 0.05 + 0.01 * rng.standard_normal(frames - 2)
    stepping = np.where(np.arange(frames) < 156, 0.3, 0.56)
    hovering = np.where(np.arange(frames) < 156, 0.525, 0.54)
    assert noise_windows(flatness, stepping, fine, active, hop)[1] == pytest.approx(5, abs=1)
    assert math.isnan(noise_windows(flatness, hovering, fine, active, hop)[1])


def test_living_bass_moves_and_holds_while_rumble_does_neither():
    rumble = np.fft.rfft(white(8, RATE))
    rumble[np.fft.rfftfreq(8 * RATE, 1 / RATE) > 120] = 0
    dead = measure(0.3 * np.fft.irfft(rumble) / 0.1, RATE)
    alive = measured(0)
    assert alive.low_env_lag1 > dead.low_env_lag1 + 0.3
    assert alive.low_env_std_db > 3


def test_shuffled_frames_lose_their_order_but_not_their_spectrum():
    shuffled = measure(failures.shuffle_frames(song(0), RATE, np.random.default_rng(0)), RATE)
    assert shuffled.loop_sim < 0.17 < measured(0).loop_sim
    assert shuffled.mel_adj_corr_c < 0.3 < measured(0).mel_adj_corr_c
    assert shuffled.pulse < measured(0).pulse


ODD = {
    "nothing": (np.zeros(0), 32_000),
    "one sample": (np.full(1, 0.1), 32_000),
    "0.1 s": (white(0.1, 32_000), 32_000),
    "0.5 s": (white(0.5, 32_000), 32_000),
    "1.5 s": (white(1.5, 32_000), 32_000),
    "zeros": (np.zeros((64_000, 2)), 32_000),
    "all NaN": (np.full((16_000, 2), np.nan), 16_000),
    "infinite": (np.where(np.arange(32_000) % 100, white(1, 32_000), np.inf), 32_000),
    "constant": (np.full(48_000, 0.5), 16_000),
    "1 kHz": (white(8, 1_000), 1_000),
    "100 Hz": (white(8, 100), 100),
    "384 kHz": (white(1, 384_000), 384_000),
    "200 channels": (white(1, 8_000)[:, None] * np.ones(200), 8_000),
    "float32": (white(2, 16_000).astype(np.float32), 16_000),
    "integers": (np.zeros(16_000, np.int16), 16_000),
    "very loud": (1e6 * white(2, 16_000), 16_000),
}


@pytest.mark.parametrize("name", ODD)
def test_no_sound_breaks_the_measurement(name):
    audio, rate = ODD[name]
    before = audio.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signals = measure(audio, rate)
    np.testing.assert_array_equal(audio, before)
    record = json.loads(json.dumps(signals.to_json(), allow_nan=False))
    assert record["duration_s"] == pytest.approx(len(audio) / rate)
    assert Signals.from_json(record).to_json() == record
    assert all(value is None or isinstance(value, float | int) for value in record.values())


def test_broken_samples_are_counted_and_count_as_silence():
    audio = song(0).copy()
    audio[::100] = np.nan
    signals = measure(audio, RATE)
    assert signals.nonfinite == pytest.approx(0.01, rel=0.01)
    assert signals.lufs == pytest.approx(measured(0).lufs, abs=0.5)


def test_what_makes_no_sense_is_refused():
    for audio, rate in ((np.zeros((2, 3, 4)), 16_000), (np.zeros(4), 0)):
        with pytest.raises(TunesmithError, match="cannot measure"):
            measure(audio, rate)


def test_a_long_track_is_measured_from_its_middle():
    rate = 2_000
    audio = np.concatenate([white(400, rate), sine(300, SPECTRAL_LIMIT_S, rate, 0.3), white(400, rate)])
    signals = measure(audio, rate)
    assert signals.duration_s == pytest.approx(800 + SPECTRAL_LIMIT_S)
    assert signals.centroid_hz == pytest.approx(300, rel=0.05)


def test_noise_beside_noisy_drums_is_told_by_standing_still():
    rng, seconds = np.random.default_rng(0), 12.0
    samples = np.arange(int(seconds * RATE))
    noise = 0.1 * rng.standard_normal(len(samples))
    drums = noise * np.exp(-12 * ((samples / RATE) % 0.5)) * 4
    assert measure(drums, RATE).noise_std_db > 2 * STEADY_DB
    for mixed, onset in (
        (np.where(samples < len(samples) / 2, noise, drums), 0),
        (np.where(samples < len(samples) / 2, drums, noise), 6),
    ):
        signals = measure(mixed, RATE)
        assert signals.noise_onset_s == pytest.approx(onset, abs=1)
        assert signals.noise_std_db < STEADY_DB


def test_measuring_imports_no_statistics():
    program = (
        "import sys, numpy as np; from tunesmith.evaluation.signals import measure;"
        "measure(np.random.default_rng(0).normal(size=48_000) / 10, 24_000);"
        "sys.exit(2 if {'scipy.signal', 'scipy.stats'} & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
