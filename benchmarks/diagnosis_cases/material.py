"""Over two hundred clean clips of six kinds, cut or rendered once into a cache folder."""

from __future__ import annotations

import json
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from diagnosis_cases import beats, midi
from diagnosis_cases.packages import LOOPS, MUSIC, SOUNDFONT, SPEECH, files_of, program

RATE = 32_000
SECONDS = 12.0
SHORT_SECONDS = 5.0
_BEATS, _PIECES = 36, 7
_LEAST_SPEECH_S, _LEAST_LOOP_S, _LEAST_TRACK_S = 3.5, 1.5, 30.0
_MOST_SPEECH = 32
_VOICES = ("en-us", "en-gb+f3", "en-gb-scotland+m3", "en-029+f4", "en-gb-x-rp+m7", "en-us+f2")
_SENTENCES = (
    "The harbour lies in fog this morning, and no ship has left; the pilots wait for the wind to turn.",
    "Please bring two loaves of bread, a bag of apples and some coffee, before the shops close at six.",
    "When the lights went out, everybody laughed, somebody lit a candle, and the band went on playing.",
    "There are seven bridges over the river, but only three of them carry trains, and one is closed.",
    "She opened the letter slowly, read it twice without a word, and put it back where she had found it.",
    "A long winter makes for a short spring, say the farmers, and this year they may well be right.",
)


@dataclass(frozen=True)
class Clip:
    """One clip of the material.

    Attributes:
        name: Of the file in the cache.
        kind: Which of the six.
        source: The track, voice or piece; both halves never share one.
        group: What a person's own clips would come from: a package, a speaker, a synthesiser.
        profile: Music or speech.
        ending: Whether it is the end of its source.
        half: ``fit`` or ``report``.
        text: What is said, where it is known.
    """

    name: str
    kind: str
    source: str
    group: str
    profile: Literal["music", "speech"]
    ending: bool
    half: Literal["fit", "report"]
    text: str = ""

    def load(self, cache: Path) -> np.ndarray:
        """(N, C) at :data:`RATE`; C is 1 where the source has one channel."""
        return soundfile.read(cache / "clips" / f"{self.name}.wav", always_2d=True)[0]


def clips(cache: Path) -> list[Clip]:
    """The whole material, made where it is not there yet."""
    index = cache / "clips" / "index.json"
    if not index.exists():
        index.parent.mkdir(parents=True, exist_ok=True)
        made = [_write(cache, *each) for each in _make(cache)]
        index.write_text(json.dumps([asdict(clip) for clip in made if clip is not None], indent=1))
    return [Clip(**each) for each in json.loads(index.read_text())]


def _make(cache: Path) -> Iterator[tuple[np.ndarray, str, str, str, bool]]:
    yield from _game_music(cache)
    yield from _recorded_speech(cache)
    yield from _loops(cache)
    yield from _pieces(cache)
    for seed in range(_BEATS):
        yield beats.beat(seed, SECONDS, RATE), "808", f"beat {seed}", "808", False
    yield from _espeak(cache)


def _write(cache: Path, audio: np.ndarray, kind: str, source: str, group: str, ending: bool) -> Clip | None:
    if np.sqrt(np.mean(audio**2)) < 3e-3:  # a pause in the track is no clip
        return None
    audio = sosfilt(butter(2, 20, "high", fs=RATE, output="sos"), audio, axis=0)  # some tracks and instruments have DC
    audio = 0.9 * audio / max(0.9, np.abs(audio).max())
    code = zlib.crc32(f"{kind} {source} {ending} {len(audio)}".encode())
    name = f"{kind}_{code:08x}"
    soundfile.write(cache / "clips" / f"{name}.wav", audio, RATE, subtype="PCM_16")
    half: Literal["fit", "report"] = "fit" if zlib.crc32(source.encode()) % 2 else "report"
    text = _SENTENCES[int(source[-1])] if kind == "espeak" else ""
    return Clip(name, kind, source, group, "speech" if kind in {"speech", "espeak"} else "music", ending, half, text)


def _crop(path: Path, start: float, seconds: float) -> np.ndarray:
    with soundfile.SoundFile(path) as file:
        file.seek(int(start * file.samplerate))
        audio = file.read(int(seconds * file.samplerate), always_2d=True)
        rate = file.samplerate
    audio = audio[:, :2]
    return audio if rate == RATE else np.asarray(soxr.resample(audio, rate, RATE)).reshape(-1, audio.shape[1])


def _files(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())


def _seconds(path: Path) -> float:
    try:
        return float(soundfile.info(path).duration)
    except soundfile.LibsndfileError:
        return 0.0


def _game_music(cache: Path) -> Iterator[tuple[np.ndarray, str, str, str, bool]]:
    """From every track a crop of 12 s, from every other a short one, and of some the end."""
    for package in MUSIC:
        tracks = [p for p in _files(files_of(package, cache), ".ogg", ".mp3") if _seconds(p) >= _LEAST_TRACK_S]
        for number, path in enumerate(tracks[:40]):
            length, rng = _seconds(path), np.random.default_rng(zlib.crc32(path.name.encode()))
            source = f"{package}/{path.name}"
            yield _crop(path, rng.uniform(0.1, 0.7) * (length - SECONDS), SECONDS), "game", source, package, False
            if number % 2:
                yield _crop(path, rng.uniform(0.1, 0.7) * length, SHORT_SECONDS), "game", source, package, False
            else:
                yield _crop(path, length - SECONDS, SECONDS), "game", source, package, True


def _recorded_speech(cache: Path) -> Iterator[tuple[np.ndarray, str, str, str, bool]]:
    for package in SPEECH:
        found = [p for p in _files(files_of(package, cache), ".wav") if _seconds(p) >= _LEAST_SPEECH_S]
        for path in found[:: max(1, len(found) // _MOST_SPEECH)][:_MOST_SPEECH]:
            yield _crop(path, 0, SECONDS), "speech", f"{package}/{path.name}", package, False


def _loops(cache: Path) -> Iterator[tuple[np.ndarray, str, str, str, bool]]:
    """Whole loops end to end, as music is made of them; none is so short that it would be a stuck decoder."""
    for path in _files(files_of(LOOPS, cache), ".flac"):
        if path.name.startswith("loop_") and _seconds(path) >= _LEAST_LOOP_S:
            loop = _crop(path, 0, _seconds(path))
            turns = -(-int(SECONDS * RATE) // len(loop))
            yield np.tile(loop, (turns, 1))[: int(SECONDS * RATE)], "loops", path.name, LOOPS, False


def _pieces(cache: Path) -> Iterator[tuple[np.ndarray, str, str, str, bool]]:
    [soundfont] = _files(files_of(SOUNDFONT, cache), ".sf2")
    target = cache / "clips" / "piece.wav"
    for style in midi.STYLES:
        for seed in range(_PIECES):
            midi.render(midi.compose(style, seed, SECONDS + 2), target, soundfont, program("fluidsynth"), RATE)
            yield _crop(target, 0.1, SECONDS), "midi", f"{style} {seed}", f"midi {style}", False
    target.unlink()


def _espeak(cache: Path) -> Iterator[tuple[np.ndarray, str, str, str, bool]]:
    target = cache / "clips" / "sentence.wav"
    for voice in _VOICES:
        for number, sentence in enumerate(_SENTENCES):
            command = [program("espeak-ng"), "-v", voice, "-s", str(150 + 5 * number), "-w", str(target), sentence]
            subprocess.run(command, check=True)
            yield _crop(target, 0, SECONDS), "espeak", f"{voice} {number}", f"espeak {voice}", False
    target.unlink()
