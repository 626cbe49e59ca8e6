from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from tunesmith.report.pictures import SoundView, draw
from tunesmith.report.spectrogram import levels, picture, to_mel


def row_of(hertz: float, top: float) -> int:
    return int(96 - 96 * to_mel(hertz) / to_mel(top))


@pytest.mark.parametrize("hertz", [60.0, 440.0, 3000.0, 7000.0])
def test_a_tone_stands_at_its_frequency(hertz):
    rate = 16000
    tone = np.sin(2 * np.pi * hertz * np.arange(2 * rate) / rate)
    level = levels(tone, rate, 2.0, 8000.0)
    assert level.shape == (96, 240)
    loudest = np.argmax(level[:, 100])
    assert abs(int(loudest) - row_of(hertz, 8000.0)) <= 1


def test_what_was_not_recorded_is_blank():
    level = levels(np.ones(8000), 8000, 4.0, 8000.0, columns=100)
    assert np.isnan(level[:, 30:]).all()
    assert np.isfinite(level[-1, :24]).all()
    assert np.isnan(level[: row_of(4200, 8000.0), :]).all()


def test_a_burst_stands_at_its_time():
    audio = np.zeros(32000)
    audio[16000:16200] = np.random.default_rng(0).standard_normal(200)
    level = levels(audio, 16000, 2.0, 8000.0)
    column = np.argmax(level.sum(axis=0)) / 240 * 2.0
    assert 0.93 < column < 1.08


def test_the_picture_is_a_png_with_night_and_light():
    from PIL import Image

    level = np.full((96, 50), -200.0)
    level[10, 5] = 0.0
    level[20, :] = np.nan
    image = Image.open(io.BytesIO(picture(level, 0.0))).convert("RGBA")
    assert image.size == (50, 96)
    assert image.getpixel((5, 10)) == (255, 243, 214, 255)
    assert image.getpixel((0, 0)) == (13, 16, 33, 255)
    assert image.getpixel((0, 20))[3] == 0


def test_pictures_of_a_row_share_axes_and_colours():
    rate = 16000
    loud = np.random.default_rng(0).standard_normal((rate * 2, 1)).astype(np.float32) * 0.3
    sounds = [SoundView(loud, rate, 2.0), SoundView(loud[:rate] * 0.01, rate, 1.0)]
    first, second = draw(sounds, 2.0)
    assert (first.hertz, first.time, first.loud) == (second.hertz, second.time, second.loud)
    assert [label for _, label in first.time] == ["0", "0.5", "1", "1.5", "2"]
    assert first.loudest - second.loudest == pytest.approx(40, abs=1)
    last_x = [float(p.curve.split()[-1].split(",")[0]) for p in (first, second)]
    assert last_x[0] > first.left + 0.85 * (first.right - first.left)
    assert last_x[1] < first.left + 0.5 * (first.right - first.left)
    assert first.image != second.image


@pytest.mark.parametrize(
    ("seconds", "rate", "channels"), [(0.01, 8000, 1), (0.3, 44100, 2), (1.0, 1000, 1), (0.5, 384000, 1)]
)
def test_odd_audio_is_drawn_without_a_complaint(seconds, rate, channels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (drawn,) = draw(
            [SoundView(np.zeros((max(int(seconds * rate), 1), channels), np.float32), rate, seconds)], max(seconds, 0.1)
        )
    assert drawn.curve
    assert drawn.loudest == -60


def test_no_sounds_no_pictures():
    assert draw([], 1.0) == []
