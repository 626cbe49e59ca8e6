"""What is measured of a sound's faults: each on a sound that has it, and on one that has not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.sounds import phrase
from tunesmith.audio.measure.clicks import clicks
from tunesmith.audio.measure.gaps import dropouts, longest_pause, peak_envelope
from tunesmith.audio.measure.hum import NO_HUM, hum
from tunesmith.audio.measure.noise_floor import noise_floor
from tunesmith.audio.measure.spectrum import noise_band, noise_curves, timbre_frames
from tunesmith.audio.measure.tail import noisy_tail
from tunesmith.audio.measure.tones import beeps

RATE = 32_000


@pytest.fixture(scope="module")
def music():
    return phrase(1, 12.0, RATE)


def noise(size, level, seed=0):
    return (level * np.random.default_rng(seed).standard_normal(size)).astype(np.float32)


def test_hum_of_the_mains(music):
    t = np.arange(len(music)) / RATE
    lines = sum(0.003 * np.sin(2 * np.pi * 60 * k * t) / k for k in (1, 2, 3)).astype(np.float32)
    found = hum(music + lines, RATE)
    assert found.hz == 60 and found.lines >= 3
    assert found.level_db == pytest.approx(20 * np.log10(0.003 / np.sqrt(2)), abs=2)
    assert hum(music, RATE).lines < 2
    note = (0.1 * np.sin(2 * np.pi * 61.74 * t)).astype(np.float32)  # B1
    assert hum(music + note, RATE).lines < 2
    assert hum(lines[: 5 * RATE], RATE) == NO_HUM


def test_steady_noise_under_music(music):
    quiet, loud = (noise_floor(timbre_frames(music + noise(len(music), level), RATE)) for level in (0.0, 0.004))
    under_rms = 20 * np.log10(0.004 / np.sqrt(np.mean(music**2)))
    assert loud.steady_share > 0.9
    assert under_rms - 8 < loud.steady_db < under_rms  # the loud moments are louder than the mean
    assert quiet.steady_db < loud.steady_db - 3
    tone = (0.3 * np.sin(2 * np.pi * 4000 * np.arange(6 * RATE) / RATE)).astype(np.float32)
    assert noise_floor(timbre_frames(tone, RATE)).steady_share < 0.2
    assert np.isnan(noise_floor(timbre_frames(np.zeros(6 * RATE, np.float32), RATE)).steady_share)


def test_holes_in_the_sound(music):
    holed = music.copy()
    starts = [2.0, 5.5, 8.25]
    for start in starts:
        first = round(start * RATE)
        loudest = first + int(np.abs(music[first : first + RATE // 2]).argmax())
        holed[loudest : loudest + RATE // 25] *= 0.001
    found = dropouts(peak_envelope(np.abs(holed)[None], RATE))
    assert len(found) == 3 and found[:, 1] == pytest.approx(0.04, abs=0.004)
    assert all(start <= at < start + 0.5 for start, at in zip(starts, found[:, 0], strict=True))
    assert len(dropouts(peak_envelope(np.abs(music)[None], RATE))) == 0
    stabs = music * (np.sin(2 * np.pi * 2 * np.arange(len(music)) / RATE) ** 2).astype(np.float32)
    assert len(dropouts(peak_envelope(np.abs(stabs)[None], RATE))) == 0


def test_the_longest_pause_lies_between_sound():
    levels = np.array([-90.0] * 5 + [-20.0] * 5 + [-90.0] * 3 + [-20.0] * 2 + [-90.0] * 6 + [-20.0] + [-90.0] * 9)
    assert longest_pause(levels, 0.5, -60.0) == (7.5, 3.0)
    assert longest_pause(levels[:10], 0.5, -60.0) == (0.0, 0.0)


def test_clicks(music):
    rng = np.random.default_rng(1)
    ticked = music.copy()
    at = np.sort(rng.choice(np.arange(RATE, 11 * RATE, RATE // 4), 30, replace=False))
    ticked[at] += 0.4
    ticked[at + 1] -= 0.2
    found = clicks(ticked, RATE)
    assert (np.abs(found[:, None] - at / RATE).min(axis=0) < 0.002).sum() >= 24
    assert len(clicks(music, RATE)) < 12  # notes of this test are cut off at -26 dB, which clicks a little
    assert len(clicks(noise(len(music), 0.1), RATE)) == 0


def test_a_beep_and_a_tune(music):
    beeping, size = music.copy(), round(0.4 * RATE)
    tone = (0.2 * np.sin(2 * np.pi * 3210 * np.arange(size) / RATE)).astype(np.float32)
    for start in (2.0, 6.0, 10.0):
        beeping[round(start * RATE) : round(start * RATE) + size] += tone
    found = beeps(timbre_frames(beeping, RATE))
    assert [round(beep.start) for beep in found] == [2, 6, 10]
    assert all(beep.hz == pytest.approx(3210, abs=4) and beep.seconds == pytest.approx(0.4, abs=0.1) for beep in found)
    assert beeps(timbre_frames(music, RATE)) == []


def test_a_tail_of_noise(music):
    def tail(sound):
        frames = timbre_frames(sound, RATE)
        power = frames.power[:, noise_band(frames.power.mean(axis=0), frames.frequencies)]
        flatness, white, fine = noise_curves(power)
        level = 10 * np.log10(power.sum(axis=1) + 1e-16)
        return noisy_tail(flatness, white, np.r_[fine, fine[-2:]], level, frames.hop_s)

    left_alone = music.copy()
    left_alone[-3 * RATE :] = noise(3 * RATE, 0.001)
    assert tail(left_alone) == pytest.approx(3.0, abs=0.6)
    assert tail(music) == 0
    assert tail(noise(6 * RATE, 0.1)) == 0
