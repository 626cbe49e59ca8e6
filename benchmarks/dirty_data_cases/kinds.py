"""Every kind of dirt: what is planted, in which of three sets, and which checks may find it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from dirty_data_cases import sound
from dirty_data_cases.material import OTHER_VOICE, Clip, said

Plant = Callable[[Path, Clip, Clip, np.random.Generator], None]
"""Writes a dirty clip to a path, its caption beside it, from a clean one and another one."""


@dataclass(frozen=True)
class Kind:
    """A kind of dirt.

    Attributes:
        name: Of the kind.
        checks: One of these is to be found at the clip, or at the set.
        plant: See :data:`Plant`.
        material: ``music``, ``speech`` (synthesised), ``read`` (by a person) or ``tempo`` (beats whose tempo is known).
        whole_set: So many clips are in the folder, all of them dirty: a trial is a folder. 0: some clips are.
        lowest_rate: Of the clips it is planted in, in Hz.
        weak: A grade that a careful ear may miss as well: reported, not demanded.
    """

    name: str
    checks: frozenset[str]
    plant: Plant
    material: str = "music"
    whole_set: int = 0
    lowest_rate: int = 0
    weak: bool = False


def write(path: Path, audio: np.ndarray, rate: int, text: str) -> None:
    """A clip as 16-bit WAV with its caption beside it."""
    soundfile.write(path, np.clip(audio, -1, 1), rate, subtype="PCM_16")
    path.with_suffix(".txt").write_text(text, encoding="utf-8")


def caption(clip: Clip) -> str:
    """A caption of its own for each clip: what is said, or words drawn by its name."""
    if clip.text and not clip.text.endswith("bpm"):
        return clip.text
    rng = np.random.default_rng(list(clip.name.encode()))
    words = [
        "slow",
        "warm",
        "bright",
        "dark",
        "solemn",
        "playful",
        "heavy",
        "airy",
        "tense",
        "dreamy",
        "lonely",
        "proud",
    ]
    parts = ["strings", "flutes", "drums", "choirs", "basses", "brass", "bells", "harps", "guitars", "organs", "pads"]
    first, second = rng.choice(words, 2, replace=False)
    one, two, three = rng.choice(parts, 3, replace=False)
    return f"{clip.text} {first} and {second} music with {one}, {two} and {three}".strip()


def _sound(fault: sound.Fault) -> Plant:
    def plant(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
        write(path, fault(clip.audio, clip.rate, rng), clip.rate, caption(clip))

    return plant


def _copy(fault: sound.Fault) -> Plant:
    """A changed copy beside its original, under other words."""

    def plant(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
        write(path.with_stem(f"{path.stem}-original"), clip.audio, clip.rate, caption(clip))
        write(path, fault(clip.audio, clip.rate, rng), clip.rate, f"once more: {caption(other)}")

    return plant


def _text(change: Callable[[Clip, Path], str]) -> Plant:
    def plant(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
        write(path, clip.audio, clip.rate, change(clip, path))

    return plant


def _bytes(change: Callable[[bytes], bytes]) -> Plant:
    def plant(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
        write(path, clip.audio, clip.rate, caption(clip))
        path.write_bytes(change(path.read_bytes()))

    return plant


def _not_a_number(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
    audio = clip.audio.copy()
    audio[len(audio) // 2 : len(audio) // 2 + 50] = np.nan
    write(path, clip.audio, clip.rate, caption(clip))
    soundfile.write(path, audio, clip.rate, subtype="FLOAT")


def _wrong_tempo(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
    said = round(float(clip.text.split()[0]) * rng.choice([0.8, 0.87, 1.15, 1.25]))
    write(path, clip.audio, clip.rate, f"{said} bpm, {caption(Clip(clip.name, '', clip.audio, clip.rate))}")


def _another_voice(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
    audio, rate = said(clip.text, OTHER_VOICE, path.with_suffix(".other.wav"))
    path.with_suffix(".other.wav").unlink()
    write(path, audio, rate, clip.text)


def _another_text(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
    write(path, clip.audio, clip.rate, other.text)


def _said_twice(path: Path, clip: Clip, other: Clip, rng: np.random.Generator) -> None:
    write(path, np.concatenate([clip.audio, clip.audio]), clip.rate, clip.text)


def _cut(share: float) -> sound.Fault:
    return lambda audio, rate, rng: audio[: round(share * len(audio))]


def _ends(audio: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    out = audio.copy()
    out[: round(1.5 * rate)] = 0
    out[-round(1.5 * rate) :] = 0
    return out


def _half_silent(audio: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    out = audio.copy()
    out[: round(0.6 * len(out))] = 0
    return out


def _clip(audio: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(audio / max(1e-6, float(np.abs(audio).max())) * 10 ** (9 / 20), -1, 1) * 0.95


def _mono(audio: np.ndarray) -> np.ndarray:
    return audio.mean(axis=1)


def _kind(name: str, checks: str, plant: Plant, **more: object) -> Kind:
    return Kind(name, frozenset(checks.split()), plant, **more)  # type: ignore[arg-type]


SEMITONE = 2 ** (1 / 12)
MUSIC = (
    _kind(
        "half of the file is missing", "unreadable header_length", _bytes(lambda content: content[: len(content) // 2])
    ),
    _kind("an empty file", "unreadable layout", _bytes(lambda content: b"")),
    _kind("a web page called .wav", "unreadable", _bytes(lambda content: b"<html><body>Not found</body></html>" * 40)),
    _kind("not a number", "nan_samples", _not_a_number),
    _kind("half a second long", "too_short", _sound(lambda audio, rate, rng: audio[: rate // 2])),
    _kind("3 s long", "too_short", _sound(lambda audio, rate, rng: audio[: 3 * rate])),
    _kind("silence", "mostly_silent", _sound(lambda audio, rate, rng: 1e-5 * sound.white(audio, rng))),
    _kind("60 % silence", "mostly_silent", _sound(_half_silent)),
    _kind("1.5 s of silence at both ends", "silent_labels", _sound(_ends)),
    _kind("a gap of 3 s", "gap", _sound(sound.gap(3.0))),
    _kind("white noise only", "noise_only", _sound(lambda audio, rate, rng: 0.1 * sound.white(audio, rng))),
    _kind("pink noise only", "noise_only", _sound(lambda audio, rate, rng: 0.1 * sound.pink(audio, rng))),
    _kind("3 s of noise at the end, −20 dB", "noisy_tail", _sound(sound.noisy_tail(3.0, 20))),
    _kind("3 s of noise at the end, −45 dB", "noisy_tail", _sound(sound.noisy_tail(3.0, 45))),
    _kind("hiss, −20 dB", "hiss", _sound(sound.hiss(20))),
    _kind("hiss, −30 dB", "hiss", _sound(sound.hiss(30)), weak=True),
    _kind("hum of 50 Hz, −12 dB", "hum", _sound(sound.hum(50, 12))),
    _kind("hum of 60 Hz, −12 dB", "hum", _sound(sound.hum(60, 12))),
    _kind("hum of 50 Hz, −20 dB", "hum", _sound(sound.hum(50, 20)), weak=True),
    _kind("vinyl crackle", "crackle", _sound(sound.vinyl(8))),
    _kind("vinyl crackle, sparse", "crackle", _sound(sound.vinyl(4)), weak=True),
    _kind("a beep, four times", "beep", _sound(sound.beep(1000, -3, 4, 0.4))),
    _kind("a watermark, −10 dB", "beep", _sound(sound.beep(1900, 10, 6, 0.5)), weak=True),
    _kind("dropouts of 40 ms", "dropout", _sound(sound.dropouts(5, 0.04, 0.0))),
    _kind("dropouts of 15 ms, not to zero", "dropout", _sound(sound.dropouts(6, 0.015, 0.01))),
    _kind("clipped by 9 dB", "clipped", _sound(_clip)),
    _kind("a brickwalled master", "brickwalled clipped", _sound(sound.brickwall)),
    _kind("DC of 0.04", "dc_offset", _sound(lambda audio, rate, rng: 0.8 * audio + 0.04)),
    _kind("a dead channel", "dead_channel", _sound(lambda audio, rate, rng: np.c_[_mono(audio), 0 * _mono(audio)])),
    _kind(
        "mono stored twice", "identical_channels", _sound(lambda audio, rate, rng: np.c_[_mono(audio), _mono(audio)])
    ),
    _kind("antiphase", "antiphase", _sound(lambda audio, rate, rng: np.c_[_mono(audio), -_mono(audio)])),
    _kind("once at 11 kHz", "upsampled", _sound(sound.band_limited(11_025))),
    _kind("MP3 of 64 kbit/s as WAV", "upsampled lossy_source", _sound(sound.mp3(64)), lowest_rate=44_100),
    _kind("MP3 of 128 kbit/s as WAV", "lossy_source", _sound(sound.mp3(128)), lowest_rate=44_100),
    _kind("26 dB too quiet", "loudness_outlier", _sound(lambda audio, rate, rng: 0.05 * audio)),
    _kind("the same file again", "duplicate", _copy(lambda audio, rate, rng: audio)),
    _kind("an MP3 of it again", "duplicate", _copy(sound.mp3(128))),
    _kind("6 s of it again", "duplicate", _copy(lambda audio, rate, rng: audio[3 * rate : 9 * rate])),
    _kind("pitched by 1 %", "altered_copy", _copy(sound.pitch(1.01))),
    _kind("pitched by a semitone", "altered_copy", _copy(sound.pitch(SEMITONE))),
    _kind("played 1.5 % too fast", "altered_copy duplicate", _copy(sound.resampled(1.015))),
    _kind("played a semitone too slow", "altered_copy", _copy(sound.resampled(1 / SEMITONE))),
    _kind("sped up by 7 %", "altered_copy duplicate", _copy(sound.tempo(1.07))),
    _kind("no caption", "missing_text", _text(lambda clip, path: "")),
    _kind("the file's name as its caption", "file_name_texts", _text(lambda clip, path: path.stem)),
    _kind(
        "one caption for all", "identical_texts", _text(lambda clip, path: "dark techno, analog synths"), whole_set=8
    ),
    _kind(
        "captions that differ by a number",
        "alike_texts identical_texts",
        _text(lambda clip, path: f"Dark techno, analog synths, part {len(path.stem)}{path.stem[-1]}."),
        whole_set=8,
    ),
    _kind("a wrong tempo in the caption", "wrong_bpm", _wrong_tempo, material="tempo"),
)
SPEECH = (
    _kind("another text", "transcript speech_rate", _another_text, material="speech", weak=True),
    _kind("seven words too many", "transcript speech_rate", _text(
        lambda clip, path: f"{clip.text} And then we all went home for dinner again."), material="speech"),
    _kind("half of the words missing", "transcript speech_rate", _text(
        lambda clip, path: " ".join(clip.text.split()[: len(clip.text.split()) // 2])), material="speech"),
    _kind("said twice", "transcript speech_rate", _said_twice, material="speech"),
    _kind("cut off at 60 %", "transcript speech_rate", _sound(_cut(0.6)), material="speech"),
    _kind("cut off at 85 %", "transcript speech_rate", _sound(_cut(0.85)), material="speech", weak=True),
    _kind("a second speaker", "second_voice", _another_voice, material="speech"),
    _kind("noise at 5 dB", "noisy_speech hiss", _sound(sound.hiss(5)), material="speech"),
    _kind("a pause of 2.5 s", "gap", _sound(sound.pause(2.5)), material="speech"),
    _kind("read aloud: another text", "transcript speech_rate", _another_text, material="read", weak=True),
    _kind("read aloud: seven words too many", "transcript speech_rate", _text(
        lambda clip, path: f"{clip.text} And then we all went home for dinner again."), material="read", weak=True),
    _kind("read aloud: half of the words missing", "transcript speech_rate", _text(
        lambda clip, path: " ".join(clip.text.split()[: len(clip.text.split()) // 2])), material="read"),
    _kind("read aloud: said twice", "transcript speech_rate", _said_twice, material="read"),
    _kind("read aloud: cut off at 60 %", "transcript speech_rate", _sound(_cut(0.6)), material="read"),
    _kind("read aloud: every text is another's", "transcript", _another_text, material="read", whole_set=20),
    _kind("read aloud: noise at 5 dB", "noisy_speech hiss", _sound(sound.hiss(5)), material="read"),
    _kind("read aloud: a pause of 2.5 s", "gap", _sound(sound.pause(2.5)), material="read"),
)  # fmt: skip


def remove(folder: Path) -> None:
    """The folder is to be new."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
