"""Bad audio: broken, empty, odd and disguised files among good clips, and as sources of what is generated."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from bad_input_cases.case import Case, tunesmith
from bad_input_cases.finished import Finished

RATE = 16_000
Make = Callable[[Path], None]
NEW = ("new", "a", "--from", "d", "--model", "pocket", "--preset", "pocket-demo")


def tone(seconds: float = 2.0, channels: int = 1) -> np.ndarray:
    """A beating tone, (T, C)."""
    t = np.arange(int(seconds * RATE)) / RATE
    return np.tile((0.3 * np.sin(2 * np.pi * 330 * t) * (1 + np.sin(2 * np.pi * 3 * t)) / 2)[:, None], channels)


def as_format(kind: str, subtype: str | None = None, keep: float = 1.0, audio: np.ndarray | None = None) -> Make:
    """A file of this format whatever its name says, of which the first ``keep`` is left."""

    def make(path: Path) -> None:
        soundfile.write(os.fsencode(path), tone() if audio is None else audio, RATE, format=kind, subtype=subtype)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])

    return make


def as_bytes(content: bytes) -> Make:
    """A file of these bytes."""
    return lambda path: path.write_bytes(content) and None


def with_header(offset: int, value: bytes) -> Make:
    """A WAV whose header says something else."""

    def make(path: Path) -> None:
        soundfile.write(path, tone(), RATE, format="WAV")
        content = bytearray(path.read_bytes())
        content[offset : offset + len(value)] = value
        path.write_bytes(bytes(content))

    return make


def sparse(size: int) -> Make:
    """A WAV header before a hole of ``size`` bytes."""

    def make(path: Path) -> None:
        soundfile.write(path, tone(), RATE, format="WAV")
        os.truncate(path, size)
        with path.open("r+b") as file:
            for offset in (4, 40):
                file.seek(offset)
                file.write(struct.pack("<I", min(size - 44, 0xFFFFFFFF)))

    return make


def video_without_sound(path: Path) -> None:
    """What a screen recorder without a microphone makes."""
    source = ("-f", "lavfi", "-i", "color=c=black:s=64x64:d=1", "-f", "mp4", str(path))
    if shutil.which("ffmpeg"):
        subprocess.run(["ffmpeg", "-v", "error", "-y", *source], check=False)
    else:
        path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))


def _float(change: Callable[[np.ndarray], None]) -> np.ndarray:
    audio = tone()
    change(audio)
    return audio


def _set(index: slice, value: float) -> Callable[[np.ndarray], None]:
    return lambda audio: audio.__setitem__(index, value)


SOME = slice(100, 200)
FILES: dict[str, tuple[str, Make]] = {
    "torn-wav": ("bad.wav", as_format("WAV", keep=0.4)),
    "torn-header": ("bad.wav", as_format("WAV", keep=0.0005)),
    "torn-flac": ("bad.flac", as_format("FLAC", keep=0.4)),
    "torn-ogg": ("bad.ogg", as_format("OGG", keep=0.4)),
    "torn-mp3": ("bad.mp3", as_format("MP3", keep=0.4)),
    "wav-named-mp3": ("bad.mp3", as_format("WAV")),
    "mp3-named-flac": ("bad.flac", as_format("MP3")),
    "mp3-named-m4a": ("bad.m4a", as_format("MP3")),
    "text-named-m4a": ("bad.m4a", as_bytes(b"these are my lyrics\n" * 30)),
    "empty-m4a": ("bad.m4a", as_bytes(b"")),
    "playlist-m4a": ("bad.m4a", as_bytes(b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nc0.wav\n#EXT-X-ENDLIST\n")),
    "playlist-passwd-m4a": ("bad.m4a", as_bytes(b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n")),
    "playlist-http-m4a": ("bad.m4a", as_bytes(b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n")),
    "concat-list-aac": ("bad.aac", as_bytes(b"ffconcat version 1.0\nfile /etc/passwd\n")),
    "sdp-named-wma": ("bad.wma", as_bytes(b"v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n")),
    "binary-m4a": ("bad.m4a", as_bytes(bytes(range(256)) * 40)),
    "png-named-mp3": ("bad.mp3", as_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))),
    "zip-named-wav": ("bad.wav", as_bytes(b"PK\x03\x04" + bytes(500))),
    "id3-alone": ("bad.mp3", as_bytes(b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(900))),
    "id3-then-nothing": ("bad.mp3", as_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10))),
    "zero-bytes": ("bad.wav", as_bytes(b"")),
    "one-byte": ("bad.flac", as_bytes(b"f")),
    "zeros": ("bad.wav", as_bytes(bytes(5000))),
    "no-frames": ("bad.wav", as_format("WAV", audio=tone(0))),
    "one-frame": ("bad.wav", as_format("WAV", audio=tone(0.0001))),
    "no-frames-flac": ("bad.flac", as_format("FLAC", audio=tone(0))),
    "nan": ("bad.wav", as_format("WAV", "FLOAT", audio=_float(_set(SOME, np.nan)))),
    "all-nan": ("bad.wav", as_format("WAV", "DOUBLE", audio=_float(_set(slice(None), np.nan)))),
    "infinite": ("bad.wav", as_format("WAV", "FLOAT", audio=_float(_set(SOME, np.inf)))),
    "enormous": ("bad.wav", as_format("WAV", "DOUBLE", audio=_float(_set(SOME, 1e308)))),
    "silent": ("bad.wav", as_format("WAV", audio=0 * tone())),
    "eight-channels": ("bad.wav", as_format("WAV", audio=tone(2, 8))),
    "eight-channels-flac": ("bad.flac", as_format("FLAC", audio=tone(2, 8))),
    "no-channels": ("bad.wav", with_header(22, struct.pack("<H", 0))),
    "many-channels": ("bad.wav", with_header(22, struct.pack("<H", 65535))),
    "rate-zero": ("bad.wav", with_header(24, struct.pack("<I", 0))),
    "rate-huge": ("bad.wav", with_header(24, struct.pack("<I", 0xFFFFFFFF))),
    "bits-zero": ("bad.wav", with_header(34, struct.pack("<H", 0))),
    "bits-odd": ("bad.wav", with_header(34, struct.pack("<H", 7))),
    "format-odd": ("bad.wav", with_header(20, struct.pack("<H", 0xBEEF))),
    "data-size-zero": ("bad.wav", with_header(40, struct.pack("<I", 0))),
    "data-size-huge": ("bad.wav", with_header(40, struct.pack("<I", 0xFFFFFFF0))),
    "riff-size-zero": ("bad.wav", with_header(4, struct.pack("<I", 0))),
    "hole-of-3-gb": ("bad.wav", sparse(3 << 30)),
    "hole-of-5-gb": ("bad.wav", sparse(5 << 30)),
    "adpcm": ("bad.wav", as_format("WAV", "IMA_ADPCM")),
    "aiff": ("bad.aiff", as_format("AIFF")),
    "caf-named-wav": ("bad.wav", as_format("CAF")),
    "video-without-sound": ("bad.mp4", video_without_sound),
    "video-named-m4a": ("bad.m4a", video_without_sound),
    "folder": ("bad.wav", lambda path: path.mkdir()),
    "fifo": ("bad.wav", os.mkfifo),
    "fifo-m4a": ("bad.m4a", os.mkfifo),
    "link-to-zero": ("bad.wav", lambda path: path.symlink_to("/dev/zero")),
    "link-to-zero-m4a": ("bad.m4a", lambda path: path.symlink_to("/dev/zero")),
    "link-to-passwd": ("bad.wav", lambda path: path.symlink_to("/etc/passwd")),
    "link-to-itself": ("bad.wav", lambda path: path.symlink_to(path.name)),
    "link-to-nothing": ("bad.flac", lambda path: path.symlink_to("nowhere.flac")),
    "name-not-utf-8": (os.fsdecode(b"caf\xe9.wav"), as_format("WAV")),
    "name-newline": ("a\nb.wav", as_format("WAV")),
    "name-dash": ("-i.wav", as_format("WAV")),
    "name-dash-m4a": ("-i.m4a", as_format("MP3")),
    "name-protocol-m4a": ("concat:c0.m4a", as_format("MP3")),
    "name-percent": ("%s%n{x}.wav", as_format("WAV")),
    "name-escape": ("\x1b[31m.wav", as_format("WAV")),
    "name-long": ("x" * 250 + ".wav", as_format("WAV")),
    "name-decomposed": ("cafe\u0301.wav", as_format("WAV")),
    "name-spaces": ("   .wav", as_format("WAV")),
    "name-dots": ("...wav", as_format("WAV")),
    "name-upper": ("BAD.WAV", as_format("WAV")),
}
"""Files by what is wrong with them."""


def cases(finished: Finished) -> Iterator[Case]:
    """Each file among good clips, and each as something to start from."""
    for number, (name, (file, make)) in enumerate(FILES.items()):
        commands = (
            tunesmith(*NEW, expected="any"),
            tunesmith("check", "a", expected="any"),
            tunesmith("encode", "a", expected="any"),
        )
        yield Case("audio among clips", f"audio-{name}", _among_clips(finished, file, make), commands)
        label = (
            tunesmith("label", "d", expected="any"),
            tunesmith("check", "d", "--fix", "fixed", expected="any"),
            tunesmith("slice", "d", "cut", "--seconds", "1-5", expected="any"),
        )
        yield Case("audio to label", f"audio-label-{name}", _among_clips(finished, file, make), label)
        alone = (tunesmith(*NEW, expected="any"), tunesmith("run", "a", "previews.every=0", "train.updates=1"))
        yield Case("audio alone", f"audio-alone-{name}", _alone(file, make), alone if _hopeless(name) else alone[:1])
        yield from _as_source(finished, name, file, make, number)


def _hopeless(name: str) -> bool:
    return name.startswith(("text", "zero", "zeros", "png", "zip", "all-nan", "no-frames"))


def _as_source(finished: Finished, name: str, file: str, make: Make, number: int) -> Iterator[Case]:
    sources = {
        "musicgen": ("generate", "r", "--source", f"d/{file}", "--prompt", "beat", "--force"),
        "ace_step": (
            *("generate", "r", "--source", f"d/{file}", "--prompt", "beat", "--force"),
            *("--task", ("repaint", "extend", "audio2audio", "edit")[number % 4]),
            *("--source-text", "beat", "--span", "0", "1"),
        ),
        "step_audio": (
            *("generate", "r", "--source", f"d/{file}", "--source-text", "hello there", "--force"),
            *("--prompt", "birds", "--edit", ("clone", "emotion:happy", "denoise", "speed:faster")[number % 4]),
        ),
    }
    family = tuple(sources)[number % 3]
    prepare = _beside_run(finished, family, file, make)
    yield Case(
        "audio as source", f"audio-source-{family}-{name}", prepare, (tunesmith(*sources[family], expected="any"),)
    )


def _among_clips(finished: Finished, file: str, make: Make) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        _make(folder / "d" / file, make)

    return prepare


def _alone(file: str, make: Make) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / "d").mkdir()
        _make(folder / "d" / file, make)

    return prepare


def _beside_run(finished: Finished, family: str, file: str, make: Make) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.run(family) / "runs" / "r", folder / "runs" / "r")
        _alone(file, make)(folder)

    return prepare


def _make(path: Path, make: Make) -> None:
    make(path)
    if len(path.name) < 200:
        path.with_suffix(".txt").write_text("808 trap beat", encoding="utf-8")
