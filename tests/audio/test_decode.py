"""Decoding: every format gives the sound, every bad file a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from tests.data.sounds import phrase, save
from tunesmith.audio.decode import is_audio, probe, read
from tunesmith.audio.mpeg import mpeg_streams
from tunesmith.audio.problems import UnreadableAudioError

FORMATS = {
    "wav": {},
    "flac": {},
    "mp3": {},
    "ogg": {},
    "opus": {"format": "OGG", "subtype": "OPUS"},
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_sound_back(tmp_path, suffix):
    sound = np.stack([phrase(1, 2.0, 48_000), phrase(2, 2.0, 48_000)], axis=1)
    path = save(tmp_path / f"名字 a.{suffix}", sound, 48_000, **FORMATS[suffix])
    info = probe(path)
    audio, rate = read(path)
    assert (info.sample_rate, info.channels, rate) == (48_000, 2, 48_000)
    assert info.seconds == pytest.approx(2.0, abs=0.05)
    assert audio.dtype == np.float32 and audio.shape == (2, info.frames)
    for channel in (0, 1):
        assert np.corrcoef(audio[channel, : len(sound)], sound[: audio.shape[1], channel])[0, 1] > 0.95


def test_a_span_is_the_same_sound_as_in_the_whole(tmp_path):
    path = save(tmp_path / "a.wav", phrase(1, 3.0))
    whole, rate = read(path)
    part, _ = read(path, 1.0, 2.5)
    np.testing.assert_array_equal(part, whole[:, rate : int(2.5 * rate)])


def test_content_decides_not_the_suffix(tmp_path):
    save(tmp_path / "a.wav", phrase(1, 1.0)).rename(tmp_path / "a.mp3")
    assert probe(tmp_path / "a.mp3").format == "WAV"


def _kind(path, **span):
    with pytest.raises(UnreadableAudioError) as caught:
        read(path, **span)
    assert str(path) in str(caught.value) and caught.value.remedy
    return caught.value.kind


def test_files_that_are_not_audio_are_told_apart(tmp_path):
    contents = {
        "empty.wav": (b"", "empty"),
        "text.wav": ("我的歌词 hello\n".encode() * 40, "text"),
        "text.mp3": (b"<html>not found</html>", "text"),
        "pointer.flac": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer"),
        "noise.wav": (np.random.default_rng(0).bytes(5000), "format"),
    }
    for name, (content, kind) in contents.items():
        (tmp_path / name).write_bytes(content)
        assert _kind(tmp_path / name) == kind, name
    assert _kind(tmp_path / "nowhere.wav") == "missing"


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac"])
def test_a_cut_off_file_is_noticed(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", phrase(3, 10.0, 44_100), 44_100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert _kind(path) == "damaged"


def test_a_streamed_wav_with_unknown_size_is_read(tmp_path):
    path = save(tmp_path / "a.wav", phrase(1, 1.0))
    content = bytearray(path.read_bytes())
    at = content.index(b"data")
    content[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert read(path)[0].shape == (1, 16_000)


def test_an_mp3_of_variable_rate_without_a_header_keeps_its_end(tmp_path):
    sound = np.concatenate([phrase(1, 6.0, 44_100), np.zeros(4 * 44_100, np.float32), phrase(2, 6.0, 44_100)])
    path = save(tmp_path / "a.mp3", sound, 44_100)
    content = path.read_bytes()
    _, first = mpeg_streams(content, 0)[0].header
    assert b"Xing" in content[:first] or b"Info" in content[:first]
    path.write_bytes(content[first:])
    assert soundfile.info(path).duration != pytest.approx(16.0, abs=0.5)  # what a plain decoder makes of it
    audio, rate = read(path)
    assert audio.shape[1] / rate == pytest.approx(16.0, abs=0.1)
    assert np.abs(audio[:, 12 * rate :]).max() > 0.1


def test_nan_samples_are_refused(tmp_path):
    sound = phrase(1, 1.0)
    sound[100:103] = np.nan
    path = save(tmp_path / "a.wav", sound, subtype="FLOAT")
    with pytest.raises(UnreadableAudioError, match="3 samples are not numbers"):
        read(path)


def test_a_span_outside_the_file_is_refused(tmp_path):
    path = save(tmp_path / "a.wav", phrase(1, 1.0))
    assert _kind(path, start=2.0) == "span"


def test_without_ffmpeg_an_m4a_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(200))
    with pytest.raises(UnreadableAudioError, match=r"needs ffmpeg. Install ffmpeg or convert to WAV"):
        read(path)


def test_with_ffmpeg_an_m4a_is_read(tmp_path, monkeypatch):
    save(tmp_path / "sound.wav", phrase(1, 1.0))
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\n/bin/cp "{tmp_path}/sound.wav" "$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(200))
    assert read(path)[0].shape == (1, 16_000)


def test_an_ffmpeg_that_fails_gives_its_reason(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho 'moov atom not found' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(200))
    with pytest.raises(UnreadableAudioError, match="moov atom not found"):
        read(path)


def test_hidden_files_are_no_clips(tmp_path):
    assert is_audio(tmp_path / "a.OPUS")
    assert not is_audio(tmp_path / "._a.wav")
    assert not is_audio(tmp_path / "a.txt")
