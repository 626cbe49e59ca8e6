"""From a reference to an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tunesmith.audio.sound import Sound
from tunesmith.data.load import load, open_stream
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError


def test_the_rate_of_the_file_itself_counts(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8_000)
    ref = AudioRef(str(tmp_path / "a.wav"))
    assert load(ref, 24_000, 1).shape == load(ref, 24_000, 1, lowest_rate=8_000).shape == (1, 2_400)
    with pytest.raises(TunesmithError, match=r"a.wav: this recording has 8000 Hz, and at least 16000 are needed"):
        load(ref, 24_000, 1, lowest_rate=16_000)


@pytest.fixture
def long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[int]]:
    """A minute of stereo at 44.1 kHz, and how many samples were decoded in each read."""
    noise = np.random.default_rng(0).standard_normal((60 * 44_100, 2)) * 0.1
    soundfile.write(tmp_path / "long.wav", noise, 44_100)
    decoded: list[int] = []
    read = Sound.read

    def counted(sound: Sound, frames: int) -> np.ndarray:
        block = read(sound, frames)
        decoded.append(block.shape[1])
        return block

    monkeypatch.setattr(Sound, "read", counted)
    monkeypatch.setattr("tunesmith.audio.decode._BLOCK_VALUES", 5 * 2 * 44_100)
    return tmp_path / "long.wav", decoded


def test_of_a_long_file_only_the_part_that_is_used_is_decoded(long_file: tuple[Path, list[int]]) -> None:
    path, decoded = long_file
    assert load(AudioRef(str(path), 20.0, 21.5), 32_000, 1).shape == (1, 48_000)
    assert sum(decoded) == 1.5 * 44_100


def test_a_stream_gives_what_loading_gives_and_decodes_as_it_is_asked(long_file: tuple[Path, list[int]]) -> None:
    path, decoded = long_file
    ref = AudioRef(str(path), 1.25)
    whole = load(ref, 48_000, 1)
    decoded.clear()
    with open_stream(ref, 48_000, 1) as sound:
        assert sound.holds(48_000)
        assert len(decoded) == 1
        parts = [sound.take(first, first + 100_000) for first in range(0, whole.shape[1], 100_000)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    assert max(decoded) <= 5 * 44_100


def test_samples_that_are_no_numbers_are_counted_over_all_blocks(long_file: tuple[Path, list[int]]) -> None:
    path, _ = long_file
    noise, rate = soundfile.read(path)
    noise[[3, 20 * rate, 59 * rate], 0] = np.nan
    soundfile.write(path, noise, rate, subtype="FLOAT")
    with pytest.raises(TunesmithError, match="3 samples are not numbers"):
        load(AudioRef(str(path)), 48_000, 1)
