"""Sound that comes block by block: windows of it, and the same samples as the whole has."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.audio.resample import resample, resample_blocks
from tunesmith.audio.stream import SoundStream

SOUND = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)


def in_blocks(size: int, sound: np.ndarray = SOUND) -> list[np.ndarray]:
    return [sound[:, i : i + size] for i in range(0, sound.shape[1], size)]


@pytest.mark.parametrize("size", [1, 7, 100, 999, 1000, 2000])
def test_windows_are_those_of_the_whole(size):
    stream = SoundStream(in_blocks(size))
    for first, last in [(0, 10), (0, 250), (100, 400), (395, 401), (600, 2000)]:
        np.testing.assert_array_equal(stream.take(first, last), SOUND[:, first:last])
    assert stream.decoded == 1000


def test_no_more_is_decoded_than_asked_for():
    taken = []

    def blocks():
        for block in in_blocks(100):
            taken.append(block)
            yield block

    stream = SoundStream(blocks())
    assert stream.holds(150)
    assert len(taken) == 2
    stream.take(0, 300)
    assert len(taken) == 3
    assert stream.holds(1000)
    assert not stream.holds(1001)


def test_what_was_let_go_is_gone():
    stream = SoundStream(in_blocks(100))
    stream.take(250, 300)
    with pytest.raises(ValueError, match="let go"):
        stream.take(150, 300)
    np.testing.assert_array_equal(stream.take(900), SOUND[:, 900:])


@pytest.mark.parametrize(("before", "after"), [(44_100, 48_000), (48_000, 32_000), (8_000, 8_000), (96_000, 16_000)])
@pytest.mark.parametrize("frames", [1, 13, 48_017, 150_001])
def test_blocks_are_resampled_to_the_same_samples(before, after, frames):
    sound = np.random.default_rng(frames).standard_normal((2, frames)).astype(np.float32)
    blocks = list(resample_blocks(in_blocks(44_100, sound), before, after))
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), resample(sound, before, after))
