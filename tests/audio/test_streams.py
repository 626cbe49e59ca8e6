"""Every stream of a file is read to its end, whatever stands in its headers and between them."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from tests.data.sounds import phrase
from tunesmith.audio.decode import probe, read
from tunesmith.audio.mpeg import mpeg_streams
from tunesmith.audio.problems import UnreadableAudioError

RATE = 24_000
A, B = phrase(1, 4.0, RATE), phrase(2, 3.0, RATE)
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}
ID3V1 = b"TAG" + bytes(125)
NOISE = np.random.default_rng(0).bytes(5000)


def coded(kind: str, sound: np.ndarray, rate: int = RATE) -> bytes:
    """The bytes of a file of this kind."""
    file = io.BytesIO()
    container, subtype = KINDS[kind]
    soundfile.write(file, sound, rate, format=container, subtype=subtype)
    return file.getvalue()


def id3(size: int) -> bytes:
    """An ID3v2 tag with ``size`` bytes of picture."""
    return b"ID3\x03\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\x11" * size


def ape(item: bytes) -> bytes:
    """An APE tag with header and footer around an item."""
    sizes = struct.pack("<III", 2000, len(item) + 32, 1)
    return b"".join(
        [b"APETAGEX", sizes, b"\x00\x00\x00\xa0", bytes(8), item, b"APETAGEX", sizes, b"\x00\x00\x00\x80", bytes(8)]
    )


def headerless(mp3: bytes) -> bytes:
    """An MP3 stream without its Xing frame."""
    header = mpeg_streams(mp3, 0)[0].header
    assert header is not None
    return mp3[: header[0]] + mp3[header[1] :]


def restated(mp3: bytes, frames: int) -> bytes:
    """An MP3 whose Xing header states another number of frames."""
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    return mp3[: at + 8] + struct.pack(">I", frames) + mp3[at + 12 :]


def sized(kind: str, size: int) -> bytes:
    """A file of :data:`A` whose header states ``size`` bytes of sound; what it states of the whole file stays."""
    content = bytearray(coded(kind, A))
    name, shape, lead = {
        "wav": (b"data", "<I", 0),
        "aiff": (b"SSND", ">I", 8),
        "caf": (b"data", ">q", 4),
        "w64": (b"data", "<Q", 24),
        "rf64": (b"ds64", "<Q", 0),
        "au": (b".snd", ">I", 0),
    }[kind]
    at = content.find(name) + {"w64": 16, "rf64": 16, "au": 8}.get(kind, 4)
    struct.pack_into(shape, content, at, size + lead)
    return bytes(content)


def flac_of(total: int) -> bytes:
    """A FLAC of :data:`A` whose header states ``total`` samples."""
    content = bytearray(coded("flac", A))
    content[18:26] = (int.from_bytes(content[18:26], "big") >> 36 << 36 | total).to_bytes(8, "big")
    return bytes(content)


def is_like(audio: np.ndarray, rate: int, *sounds: np.ndarray) -> bool:
    """Whether ``audio`` is these sounds one behind the other, within what coding changes and an encoder's delay."""
    step, position, slack = rate // RATE, 0, 2000
    plain = audio[0, ::step]
    for sound in sounds:
        piece = plain[max(0, position - slack) : position + len(sound) + slack]
        likeness = correlate(piece, sound, mode="full", method="fft").max()
        if likeness < 0.95 * np.linalg.norm(sound) ** 2:
            return False
        position += len(sound)
    return abs(len(plain) - position) / RATE < 0.1 * len(sounds)


@pytest.mark.parametrize("kind", KINDS)
def test_files_joined_end_to_end_are_read_to_the_last(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(coded(kind, A) + coded(kind, B) + coded(kind, A))
    audio, rate = read(path)
    assert is_like(audio, rate, A, B, A)
    info = probe(path)
    assert info.streams == 3 and info.seconds == pytest.approx(11.0, abs=0.05)
    assert info.header_seconds == pytest.approx(4.0, abs=0.05)
    part, _ = read(path, 3.5, 7.5)
    np.testing.assert_allclose(part, audio[:, round(3.5 * rate) : round(7.5 * rate)], rtol=0, atol=1e-6)


def test_joined_flac_is_the_same_to_the_bit(tmp_path: Path) -> None:
    for name, sound in {"a": A, "b": B}.items():
        (tmp_path / f"{name}.flac").write_bytes(coded("flac", sound))
    (tmp_path / "joined.flac").write_bytes(
        (tmp_path / "a.flac").read_bytes() + ID3V1 + id3(70_000) + (tmp_path / "b.flac").read_bytes() + ID3V1
    )
    both = np.concatenate([read(tmp_path / "a.flac")[0], read(tmp_path / "b.flac")[0]], axis=1)
    np.testing.assert_array_equal(read(tmp_path / "joined.flac")[0], both)


MP3_A, MP3_B = coded("mp3", A), coded("mp3", B)
APE = ape(MP3_B)  # a tag may hold anything, sound too
LIKE_A_FRAME = NOISE[:100] + b"\xff\xfb\x92\x44" + NOISE
MP3S = {
    "tags between and behind": (id3(300) + MP3_A + ID3V1 + id3(70_000) + MP3_B + APE + ID3V1, (A, B)),
    "without headers": (headerless(MP3_A) + headerless(MP3_B), (A, B)),
    "damage between": (headerless(MP3_A) + NOISE + headerless(MP3_B), (A, B)),
    "damage in front": (NOISE + MP3_A, (A,)),
    "damage that looks like a frame": (LIKE_A_FRAME + MP3_A + LIKE_A_FRAME, (A,)),
    "zeros in front": (bytes(3000) + MP3_A, (A,)),
    "three tags of a VBR stream": (id3(300) + id3(70_000) + id3(10) + headerless(MP3_A), (A,)),
    "an APE tag in front": (APE + MP3_A, (A,)),
    "a tag with a wrong size": (id3(300)[:-50] + MP3_A, (A,)),
    "another rate": (MP3_A + coded("mp3", np.repeat(B, 2), 2 * RATE), (A, B)),
    "stereo behind mono": (MP3_A + coded("mp3", np.stack([B, B], axis=1)), (A, B)),
    "a count of 0": (restated(MP3_A, 0), (A,)),
    "a count too small": (restated(MP3_A, 20), (A,)),
    "a count too large": (restated(MP3_A, 9000), (A,)),
}


@pytest.mark.parametrize("name", MP3S)
def test_an_mp3_is_read_to_its_last_frame(tmp_path: Path, name: str) -> None:
    content, sounds = MP3S[name]
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    audio, rate = read(path)
    assert rate == RATE and is_like(audio, rate, *sounds)


def test_what_a_header_states_is_told_beside_what_there_is(tmp_path: Path) -> None:
    samples = len(A)
    cases = {
        "a.mp3": (restated(MP3_A, 20), 0.5),
        "b.mp3": (restated(MP3_A, 9000), 216.0),
        "c.mp3": (headerless(MP3_A), None),
        "a.flac": (flac_of(0), None),
        "b.flac": (flac_of(samples // 2), 2.0),
        "c.flac": (flac_of(samples * 3), 12.0),
        "a.au": (sized("au", 0xFFFFFFFF), None),
        "b.wav": (sized("wav", 0xFFFFFFFF), None),
        "c.wav": (sized("wav", samples * 4), 8.0),
        "b.caf": (sized("caf", -5), None),
    }
    for kind in ("wav", "aiff", "caf", "w64", "rf64", "au"):
        cases |= {f"d.{kind}": (sized(kind, 0), 0.0), f"e.{kind}": (sized(kind, samples), 2.0)}
    for name, (content, seconds) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        info, (audio, rate) = probe(path), read(path)
        assert is_like(audio, rate, A), name
        assert info.header_seconds == (None if seconds is None else pytest.approx(seconds, abs=0.1)), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ogg", "opus")])  # these state no length
def test_a_cut_off_file_is_told_with_both_lengths(tmp_path: Path, kind: str) -> None:
    content = coded(kind, A)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(UnreadableAudioError, match=r"promises 4\.0\d s, 2\.[4-7]\d s can be decoded") as caught:
        read(path)
    assert caught.value.kind == "damaged"


def test_rates_that_cannot_both_be_true_are_refused(tmp_path: Path) -> None:
    wrong = bytearray(coded("wav", A))
    wrong[24:28] = struct.pack("<I", 800_000_000)
    path = tmp_path / "a.wav"
    path.write_bytes(wrong + coded("wav", B))
    with pytest.raises(UnreadableAudioError, match="of 800000000 and of 24000 Hz"):
        read(path)


def test_what_stands_behind_the_sound_of_a_wav_is_no_sound(tmp_path: Path) -> None:
    content = coded("wav", A)
    list_chunk = b"LIST" + struct.pack("<I", 30) + b"x" * 30
    for tail in (list_chunk, bytes(50_000), id3(300), ID3V1, b"\x00"):
        path = tmp_path / "a.wav"
        path.write_bytes(content + tail)
        assert read(path)[0].shape == (1, len(A))
    at = content.index(b"data")
    empty = content[: at + 4] + struct.pack("<I", 0) + list_chunk
    path.write_bytes(empty)
    with pytest.raises(UnreadableAudioError, match="holds no sound"):
        read(path)


def test_a_tag_in_front_hides_nothing(tmp_path: Path) -> None:
    for kind in KINDS:
        path = tmp_path / f"a.{kind}"
        path.write_bytes(id3(100) + id3(70_000) + coded(kind, A))
        audio, rate = read(path)
        assert is_like(audio, rate, A), kind


def test_libmpg123_keeps_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(MP3_A + id3(20_000))  # the stated number of bytes is not that of the file
    soundfile.read(path)
    assert "Warning" in capfd.readouterr().err  # what it has to say
    probe(path)
    read(path)
    assert capfd.readouterr().err == ""
    os.write(2, b"what others say")
    assert capfd.readouterr().err == "what others say"
