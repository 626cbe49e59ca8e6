from __future__ import annotations

import numpy as np
import pytest

from tools.pocket import sound
from tunesmith.errors import TunesmithError
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE, render
from tunesmith.pocket.synth.score import Score

ALL = (*BASE_STYLES, EXAMPLE_STYLE)


def mono(style: str, seconds: float, seed: int, rate: int = 16000) -> np.ndarray:
    return render(style, seconds, seed, rate).audio.mean(axis=1)


@pytest.mark.parametrize("style", ALL)
def test_a_seed_gives_the_same_clip_and_another_seed_another(style: str) -> None:
    first, again, other = (render(style, 2.0, seed, 16000) for seed in (3, 3, 4))
    assert np.array_equal(first.audio, again.audio)
    assert first.caption == again.caption
    assert not np.allclose(first.audio, other.audio, atol=0.05)


@pytest.mark.parametrize("style", ALL)
def test_clips_have_the_asked_length_and_do_not_clip(style: str) -> None:
    clip = render(style, 1.37, 1, 32000)
    assert clip.audio.shape == (round(1.37 * 32000), 2)
    assert clip.audio.dtype == np.float32
    assert 0.5 < np.abs(clip.audio).max() <= 0.9 + 1e-6


@pytest.mark.parametrize("style", ALL)
def test_clips_sound_from_beginning_to_end(style: str) -> None:
    measured = sound.measure(mono(style, 6.0, 5), 16000)
    assert measured.silent_share < 0.05
    assert measured.level_db > -25
    assert abs(measured.level_slope) < 1.0
    assert measured.noisiness < 0.53


def test_the_example_style_lives_in_the_sub_bass_and_the_base_styles_do_not() -> None:
    example = [sound.measure(mono(EXAMPLE_STYLE, 5.0, seed), 16000).sub_share for seed in range(4)]
    others = [sound.measure(mono(style, 5.0, seed), 16000).sub_share for style in BASE_STYLES for seed in range(2)]
    assert min(example) > 0.6
    assert np.mean(others) < 0.35


def test_the_caption_states_the_tempo_that_is_heard() -> None:
    clip = render("house", 8.0, 2, 16000)
    beat = 60 / clip.bpm
    period = sound.measure(clip.audio.mean(axis=1), 16000).pulse_s
    assert f"{clip.bpm:.0f} bpm" in clip.caption
    assert abs(period / beat * 2 - round(period / beat * 2)) < 0.15


def test_hats_are_above_4_khz() -> None:
    spectrum = np.abs(np.fft.rfft(mono(EXAMPLE_STYLE, 4.0, 7, 32000))) ** 2
    frequency = np.fft.rfftfreq(4 * 32000, 1 / 32000)
    assert 10 * np.log10(spectrum[frequency > 4000].sum() / spectrum.sum()) > -25


def test_unknown_styles_and_empty_lengths_are_refused() -> None:
    with pytest.raises(TunesmithError, match="house"):
        render("polka", 2.0, 0)
    with pytest.raises(TunesmithError, match="length"):
        render("house", 0.0, 0)


def test_a_sound_that_starts_before_the_canvas_is_cut_not_moved() -> None:
    score = Score(1.0, 1000, 60.0, np.random.default_rng(0))
    score.add(np.arange(1.0, 501.0), -0.2)
    assert score.canvas[0, 0] == pytest.approx(201.0)
    assert score.canvas[300:].sum() == 0


def test_a_sound_is_panned_at_constant_power() -> None:
    score = Score(1.0, 1000, 60.0, np.random.default_rng(0))
    score.add(np.ones(10), 0.0, 1.0, pan=0.6)
    assert score.canvas[0, 1] > score.canvas[0, 0] > 0
    assert (score.canvas[0] ** 2).sum() == pytest.approx(2.0)
