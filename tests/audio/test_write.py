"""Writing: complete or absent, clipping said."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.sounds import phrase
from tunesmith.audio.decode import probe, read
from tunesmith.audio.write import write
from tunesmith.errors import TunesmithError


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
def test_formats_round_trip(tmp_path, suffix):
    sound = np.stack([phrase(1, 2.0, 32_000), phrase(2, 2.0, 32_000)])
    path = tmp_path / "new" / f"a{suffix}"
    assert write(path, sound, 32_000) == 0
    audio, rate = read(path)
    assert rate == 32_000
    assert np.corrcoef(audio[0, :64_000], sound[0])[0, 1] > 0.95
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_long_ogg_is_written_in_blocks(tmp_path):
    sound = np.tile(phrase(1, 10.0, 8_000), 8)
    write(tmp_path / "a.ogg", sound, 8_000)
    assert probe(tmp_path / "a.ogg").seconds == pytest.approx(80.0, abs=0.1)


def test_clipped_samples_are_counted_and_held_at_full_scale(tmp_path):
    sound = np.array([0.0, 2.0, -1.5, 0.5], np.float32)
    assert write(tmp_path / "a.wav", sound, 8_000) == 2
    np.testing.assert_allclose(read(tmp_path / "a.wav")[0][0], [0, 1, -1, 0.5], atol=1e-4)


@pytest.mark.parametrize(("name", "value"), [("a.wav", np.nan), ("a.m4a", 0.0), ("a", 0.0)])
def test_what_cannot_be_written_leaves_nothing(tmp_path, name, value):
    with pytest.raises(TunesmithError):
        write(tmp_path / name, np.full((1, 100), value, np.float32), 8_000)
    assert not list(tmp_path.iterdir())


def test_a_format_that_refuses_the_rate_leaves_the_old_file(tmp_path):
    write(tmp_path / "a.mp3", phrase(1, 1.0, 32_000), 32_000)
    before = (tmp_path / "a.mp3").read_bytes()
    with pytest.raises(TunesmithError, match=r"cannot be written at 96000 Hz.*Use \.wav"):
        write(tmp_path / "a.mp3", phrase(2, 1.0, 32_000), 96_000)
    assert (tmp_path / "a.mp3").read_bytes() == before


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    import shutil

    import soundfile

    def fail(self, data):
        raise AssertionError  # what soundfile raises when fewer frames were written than asked

    monkeypatch.setattr(soundfile.SoundFile, "write", fail)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    with pytest.raises(TunesmithError, match="the disk is full"):
        write(tmp_path / "a.wav", phrase(1, 1.0), 16_000)
    assert not list(tmp_path.iterdir())
