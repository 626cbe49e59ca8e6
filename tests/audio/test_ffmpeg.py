"""What ffmpeg is asked for: one format, files only, and no more of it than is wanted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.audio.decode import open_audio, probe, read
from tunesmith.audio.problems import LongerThanAskedError, UnreadableAudioError
from tunesmith.data.checks import CheckLimits, run_checks
from tunesmith.data.sample import AudioRef, Sample

M4A = b"\x00\x00\x00\x20ftypM4A " + bytes(200)
PLAYLISTS = {
    "hls.m4a": b"#EXTM3U\n#EXTINF:10,\n../secret/private.aac\n#EXT-X-ENDLIST\n#\x00\n",
    "behind_a_mark.mp4": b"\xef\xbb\xbf\r\n#EXTM3U\n/etc/passwd\n\x00",
    "concat.aac": b"ffconcat version 1.0\nfile ../secret/private.aac\n#\x00\n",
    "pls.wma": b"[playlist]\nFile1=../secret/private.aac\n\x00",
    "sdp.webm": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 96\n\x00",
    "dash.m4b": b'<?xml version="1.0"?><MPD><BaseURL>../secret/private.aac</BaseURL></MPD>\x00',
}
with_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program of this name on the path that keeps its arguments and says something; gives the arguments' file."""

    def stand_in(says: str = "", does: str = "") -> Path:
        save(tmp_path / "sound.wav", phrase(1, 2.0))
        copy = f'for last; do :; done; /bin/cp "{tmp_path}/sound.wav" "$last"'
        program = tmp_path / "ffmpeg"
        lines = ["#!/bin/sh", f'printf "%s\\n" "$@" > "{tmp_path}/arguments"', f"/bin/cat >&2 <<'END'\n{says}\nEND"]
        program.write_text("\n".join([*lines, does or copy]) + "\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path / "arguments"

    return stand_in


def stated(length: str) -> str:
    """What ffmpeg says of a file of this length."""
    return (
        f"  Duration: {length}, start: 0.000000, bitrate: 69 kb/s\n"
        "  Stream #0:0[0x1](und): Audio: aac (LC) (mp4a / 0x6134706D), 16000 Hz, mono, fltp, 69 kb/s (default)\n"
    )


def test_the_format_comes_from_the_content_and_only_files_are_opened(tmp_path, ffmpeg) -> None:
    arguments = ffmpeg()
    contents = {
        "a.m4a": (M4A, "mov"),
        "b.wav": (M4A, "mov"),
        "c.m4a": (b"\xff\xf1\x50\x80" + bytes(200), "aac"),
        "d.aac": (b"ID3\x04\x00\x00\x00\x00\x00\x05" + bytes(5) + b"\xff\xf9\x50\x80" + bytes(200), "aac"),
        "e.mp4": (bytes.fromhex("3026b2758e66cf11") + bytes(200), "asf"),
        "f.m4b": (b"\x1a\x45\xdf\xa3" + bytes(200), "matroska"),
        "g.ogg": (b"OggS\x00\x02" + bytes(20) + b"\x01\x33\x7fFLAC" + bytes(200), "ogg"),
    }
    for name, (content, demuxer) in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert read(path, 0.5, 1.5)[0].shape == (1, 16_000)
        given = arguments.read_text().splitlines()
        before = given[: given.index("-i")]
        assert before[before.index("-f") + 1] == demuxer, name
        assert before[before.index("-protocol_whitelist") + 1] == "file"
        assert float(before[before.index("-t") + 1]) == 2.5
        assert given[given.index("-i") + 1] == f"file:{path}"
        assert 0 < int(given[given.index("-fs") + 1]) <= shutil.disk_usage("/").total


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_never_reaches_ffmpeg(tmp_path, ffmpeg, name) -> None:
    arguments = ffmpeg()
    (tmp_path / name).write_bytes(PLAYLISTS[name])
    with pytest.raises(UnreadableAudioError) as caught:
        read(tmp_path / name)
    assert caught.value.kind in ("text", "format") and caught.value.remedy
    assert not arguments.exists()
    assert (name in ("sdp.webm", "dash.m4b")) or "this is a playlist" in str(caught.value)


def test_a_file_of_half_a_day_is_not_converted(tmp_path, ffmpeg) -> None:
    ffmpeg(stated("12:00:00.05"), does="exec /bin/sleep 60")
    path = tmp_path / "a.m4a"
    path.write_bytes(M4A)
    info = probe(path)
    assert (info.seconds, info.sample_rate, info.channels, info.format) == (43_200.05, 16_000, 1, "MOV")
    with pytest.raises(LongerThanAskedError), open_audio(path, longest=60):
        pass
    report = run_checks([Sample("a", {"audio": AudioRef(str(path))}, {"caption": "x"})], CheckLimits(max_seconds=60))
    [finding] = [f for f in report.findings if f.level == "error"]
    assert finding.check == "too_long" and "12.0 h" in str(finding.message)


def test_a_stated_length_that_ffmpeg_guesses_decides_nothing(tmp_path, ffmpeg) -> None:
    guess = "[aac @ 0x1] Estimating duration from bitrate, this may be inaccurate\n"
    arguments = ffmpeg(guess + stated("12:00:00.05"))
    path = tmp_path / "a.aac"
    path.write_bytes(b"\xff\xf1\x50\x80" + bytes(200))
    info = probe(path)
    assert (info.seconds, info.header_seconds) == (2.0, None)
    given = arguments.read_text().splitlines()
    assert float(given[given.index("-t") + 1]) == 3601


def test_a_length_that_the_conversion_does_not_have_is_found(tmp_path, ffmpeg) -> None:
    ffmpeg(stated("00:00:05.00"))
    path = tmp_path / "a.m4a"
    path.write_bytes(M4A)
    report = run_checks([Sample("a", {"audio": AudioRef(str(path))}, {"caption": "x"})])
    [finding] = [f for f in report.findings if f.check == "header_length"]
    assert "holds 2.00 s, and its header states 5.00 s" in str(finding.message)
    assert [sample.id for sample in report.kept] == ["a"]


def test_a_second_track_is_not_read_unsaid(tmp_path, ffmpeg) -> None:
    both = stated("00:00:02.00") + stated("00:00:02.00").splitlines()[1].replace("#0:0[0x1]", "#0:1[0x2]")
    written = "\nOutput #0, wav, to 'audio.wav':\n  Stream #0:0: Audio: pcm_f32le, 16000 Hz, mono, flt, 512 kb/s"
    path = tmp_path / "a.m4a"
    path.write_bytes(M4A)
    for says, tracks in ((stated("00:00:02.00") + written, 1), (both + written, 2)):
        ffmpeg(says)
        report = run_checks([Sample("a", {"audio": AudioRef(str(path))}, {"caption": "x"})])
        assert report.facts["a"]["audio"].tracks == tracks
        assert [f.value for f in report.findings if f.check == "audio_tracks"] == ([2] if tracks == 2 else [])


def test_a_disk_without_room_is_said(tmp_path, ffmpeg, monkeypatch) -> None:
    ffmpeg()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    (tmp_path / "a.m4a").write_bytes(M4A)
    with pytest.raises(UnreadableAudioError, match="does not fit into the free space"):
        read(tmp_path / "a.m4a")


@with_ffmpeg
@pytest.mark.parametrize(("name", "how"), [("a.m4a", []), ("a.ogg", ["-c:a", "flac"]), ("a.webm", []), ("a.aac", [])])
def test_the_real_one_reads_what_it_wrote(tmp_path, name, how) -> None:
    source = save(tmp_path / "source.wav", phrase(1, 3.0, 48_000), 48_000)
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, *how, tmp_path / name], check=True)
    info, (audio, rate) = probe(tmp_path / name), read(tmp_path / name)
    assert audio.shape[1] / rate == info.seconds == pytest.approx(3.0, abs=0.1)
    assert info.header_seconds is None or info.header_seconds == pytest.approx(3.0, abs=0.1)
