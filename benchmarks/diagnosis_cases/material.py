"""Over two hundred clean clips of six kinds, cut or rendered once into a cache folder."""

from __future__ import annotations

import json
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from debian import files_of, program
from diagnosis_cases import beats, midi
from diagnosis_cases.sources import FRESH, SEEN, Sources

RATE = 32_000
SECONDS = 12.0
SHORT_SECONDS = 5.0
Half = Literal["fit", "report", "fresh"]
Profile = Literal["music", "speech"]
_LEAST_SPEECH_S, _LEAST_LOOP_S, _LEAST_TRACK_S = 3.5, 1.5, 30.0
_MOST_SPEECH, _MOST_TRACKS = 32, 40


class Cut(NamedTuple):
    """What becomes a clip: (N, C) at :data:`RATE`, and what :class:`Clip` says of it."""

    audio: np.ndarray
    kind: str
    source: str
    group: str
    ending: bool = False
    text: str = ""


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
        half: ``fit``, ``report`` or ``fresh``.
        text: What is said, where it is known.
    """

    name: str
    kind: str
    source: str
    group: str
    profile: Profile
    ending: bool
    half: Half
    text: str = ""

    def load(self, cache: Path) -> np.ndarray:
        """(N, C) at :data:`RATE`; C is 1 where the source has one channel."""
        return soundfile.read(cache / "clips" / f"{self.name}.wav", always_2d=True)[0]


def clips(cache: Path) -> list[Clip]:
    """The whole material, made where it is not there yet."""
    index = cache / "clips" / "material.json"
    if not index.exists():
        index.parent.mkdir(parents=True, exist_ok=True)
        made = [
            _write(cache, cut, fresh=sources is FRESH) for sources in (SEEN, FRESH) for cut in _make(cache, sources)
        ]
        index.write_text(json.dumps([asdict(clip) for clip in made if clip is not None], indent=1))
    return [Clip(**each) for each in json.loads(index.read_text())]


def _make(cache: Path, sources: Sources) -> Iterator[Cut]:
    yield from _game_music(cache, sources)
    yield from _recorded_speech(cache, sources)
    yield from _loops(cache, sources)
    yield from _pieces(cache, sources)
    for seed in sources.beats:
        yield Cut(beats.beat(seed, SECONDS, RATE), "808", f"beat {seed}", "808")
    yield from _espeak(cache, sources)


def _write(cache: Path, cut: Cut, *, fresh: bool) -> Clip | None:
    audio = cut.audio
    if np.sqrt(np.mean(audio**2)) < 3e-3:  # a pause in the track is no clip
        return None
    audio = sosfilt(butter(2, 20, "high", fs=RATE, output="sos"), audio, axis=0)  # some tracks and instruments have DC
    audio = 0.9 * audio / max(0.9, np.abs(audio).max())
    code = zlib.crc32(f"{cut.kind} {cut.source} {cut.ending} {len(audio)}".encode())
    name = f"{cut.kind}_{code:08x}"
    soundfile.write(cache / "clips" / f"{name}.wav", audio, RATE, subtype="PCM_16")
    seen: Half = "fit" if zlib.crc32(cut.source.encode()) % 2 else "report"
    profile: Profile = "speech" if cut.kind in {"speech", "espeak"} else "music"
    return Clip(name, cut.kind, cut.source, cut.group, profile, cut.ending, "fresh" if fresh else seen, cut.text)


def _crop(path: Path, start: float, seconds: float) -> np.ndarray:
    with soundfile.SoundFile(path) as file:
        file.seek(int(start * file.samplerate))
        audio = file.read(int(seconds * file.samplerate), always_2d=True)
        rate = file.samplerate
    audio = audio[:, :2]
    return audio if rate == RATE else np.asarray(soxr.resample(audio, rate, RATE)).reshape(-1, audio.shape[1])


def _seconds(path: Path) -> float:
    try:
        return float(soundfile.info(path).duration)
    except soundfile.LibsndfileError:
        return 0.0


def _game_music(cache: Path, sources: Sources) -> Iterator[Cut]:
    """From every track a crop of 12 s, from every other a short one, and of some the end."""
    for package in sources.music:
        tracks = [p for p in files_of(package, cache, "*.ogg", "*.mp3") if _seconds(p) >= _LEAST_TRACK_S]
        for number, path in enumerate(tracks[:_MOST_TRACKS]):
            length, rng = _seconds(path), np.random.default_rng(zlib.crc32(path.name.encode()))
            source = f"{package}/{path.name}"
            yield Cut(_crop(path, rng.uniform(0.1, 0.7) * (length - SECONDS), SECONDS), "game", source, package)
            if number % 2:
                yield Cut(_crop(path, rng.uniform(0.1, 0.7) * length, SHORT_SECONDS), "game", source, package)
            else:
                yield Cut(_crop(path, length - SECONDS, SECONDS), "game", source, package, ending=True)


def _recorded_speech(cache: Path, sources: Sources) -> Iterator[Cut]:
    for package in sources.speech:
        found = [p for p in files_of(package, cache, "*.wav") if _seconds(p) >= _LEAST_SPEECH_S]
        for path in found[:: max(1, len(found) // _MOST_SPEECH)][:_MOST_SPEECH]:
            yield Cut(_crop(path, 0, SECONDS), "speech", f"{package}/{path.name}", package)


def _loops(cache: Path, sources: Sources) -> Iterator[Cut]:
    """Whole loops end to end, as music is made of them; none is so short that it would be a stuck decoder."""
    for path in files_of(sources.loops, cache, *sources.loop_files):
        if _seconds(path) >= _LEAST_LOOP_S:
            loop = _crop(path, 0, _seconds(path))
            turns = -(-int(SECONDS * RATE) // len(loop))
            yield Cut(np.tile(loop, (turns, 1))[: int(SECONDS * RATE)], "loops", path.name, sources.loops)


def _pieces(cache: Path, sources: Sources) -> Iterator[Cut]:
    soundfont = files_of(sources.soundfont, cache, "*.sf2", "*.sf3")[0]
    target = cache / "clips" / "piece.wav"
    for style in sources.styles:
        for seed in sources.pieces:
            midi.render(midi.compose(style, seed, SECONDS + 2), target, soundfont, program("fluidsynth"), RATE)
            yield Cut(_crop(target, 0.1, SECONDS), "midi", f"{style} {seed}", f"midi {style}")
    target.unlink()


def _espeak(cache: Path, sources: Sources) -> Iterator[Cut]:
    target = cache / "clips" / "sentence.wav"
    for language, voices in sources.voices.items():
        for voice in voices:
            for number, text in enumerate(sources.sentences[language]):
                command = [program("espeak-ng"), "-v", voice, "-s", str(150 + 5 * number), "-w", str(target), text]
                subprocess.run(command, check=True)
                yield Cut(_crop(target, 0, SECONDS), "espeak", f"{voice} {number}", f"espeak {voice}", text=text)
    target.unlink()
