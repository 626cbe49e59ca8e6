"""Clean clips: cuts of free game music, recorded prompts and synthesised sentences, in two halves by source."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from debian import unpacked

MUSIC = ("asc-music", "hyperrogue-music", "singularity-music", "wesnoth-1.16-music")
PROMPTS, PROMPT_TEXTS = "asterisk-core-sounds-en-wav", "asterisk-core-sounds-en"
SECONDS = 12.0
HALVES = ("fit", "report")
_CUTS = 2
_TRACKS = 16
_LEAST_KBPS = 100
"""Tracks of fewer kbit/s are no clean clips: their treble is cut off already."""
_LEAST_RMS = 0.003
_VOICES = ("en-us", "en-gb", "en-gb-scotland")
"""Accents of one voice."""
_FEWEST_SYLLABLES = 8
OTHER_VOICE = "en-us+f3"
SENTENCES = (
    "The ferry leaves the northern harbour at seven and comes back before the tide turns.",
    "Please put the large blue box on the second shelf, beside the window.",
    "Nobody had expected the old bridge to hold for another winter.",
    "We measured the length of every plank twice before we cut it.",
    "The bakery on the corner sells bread until noon and cake after that.",
    "Her brother plays the trumpet in a band that meets on Thursdays.",
    "A narrow path leads from the mill down to the lower meadow.",
    "They painted the fence green because there was no white paint left.",
    "The train to the coast was late, so we missed the last boat.",
    "Rain is expected in the valley, while the hills stay dry and cold.",
    "He keeps his notes in a small book with a yellow cover.",
    "The museum opens its new hall for maps and globes next month.",
    "Two old lamps light the stairs between the cellar and the kitchen.",
    "Every autumn the river floods the fields below the village.",
    "She wrote the letter by hand and sent it before the holiday.",
    "The engine makes a strange noise whenever we drive uphill.",
    "A small dog waited for hours in front of the library.",
    "They say that the bell of the church was cast from a cannon.",
    "His answer was short, polite, and not at all what we wanted.",
    "The children built a raft out of barrels and a wooden door.",
    "In the morning, fog covered the harbour and all of its ships.",
    "Please remember to close the gate when you leave the garden.",
    "The recipe needs three eggs, some butter and a little patience.",
    "Nobody knows who planted the apple trees along the railway.",
)


@dataclass(frozen=True)
class Clip:
    """A clean clip.

    Attributes:
        name: Unlike any other's.
        source: What it was cut from; clips of one source are in one half.
        audio: (N, C) float32.
        rate: In Hz.
        text: What is said in it; empty for music.
    """

    name: str
    source: str
    audio: np.ndarray
    rate: int
    text: str = ""

    @property
    def half(self) -> str:
        """Which half it belongs to, by its source's name."""
        return HALVES[hashlib.blake2b(self.source.encode()).digest()[0] % 2]


def music(cache: Path) -> list[Clip]:
    """Cuts from the middle of tracks; clips that ship with the project where no package can be had."""
    clips = [clip for package in MUSIC for clip in _cuts(package, cache)]
    return clips or list(_shipped())


def _cuts(package: str, cache: Path) -> Iterator[Clip]:
    folder = unpacked(package, cache)
    if folder is None:
        return
    tracks = [p for p in sorted(folder.rglob("*")) if p.suffix in (".ogg", ".mp3") and p.is_file()]
    chosen = [path for path in tracks if _is_long_and_good(path)]
    for path in chosen[:: max(1, len(chosen) // _TRACKS)][:_TRACKS]:
        info = soundfile.info(path)
        for number in range(_CUTS):
            start = (0.3 + 0.35 * number) * (info.duration - SECONDS)
            first, count = round(start * info.samplerate), round(SECONDS * info.samplerate)
            audio, rate = soundfile.read(path, count, first, dtype="float32", always_2d=True)
            if float(np.sqrt(np.mean(audio**2))) > _LEAST_RMS:
                yield Clip(
                    f"{package.split('-', maxsplit=1)[0]}-{path.stem}-{number}".replace(" ", "_"),
                    path.stem,
                    audio,
                    rate,
                )


def _is_long_and_good(path: Path) -> bool:
    info = soundfile.info(path)
    kbps = 8e-3 * path.stat().st_size / info.duration
    return info.duration >= 40 and (kbps >= _LEAST_KBPS or info.samplerate < 44_100)


def beats() -> list[Clip]:
    """Synthesised music whose tempo is known: its text begins with it."""
    from tunesmith.pocket.synth import render

    clips = []
    for style in ("house", "breaks", "chiptune", "dub"):
        for seed in range(12):
            made = render(style, SECONDS, seed)
            clips.append(Clip(f"{style}-{seed}", f"{style}-{seed}", made.audio, 32_000, f"{made.bpm:g} bpm"))
    return clips


def _shipped() -> Iterator[Clip]:
    import tunesmith.pocket

    for path in sorted((Path(tunesmith.pocket.__file__).parent / "clips").rglob("*.ogg")):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        yield Clip(path.stem, path.stem, audio, rate)


def speech(cache: Path) -> list[Clip]:
    """Synthesised sentences with their exact text, where espeak-ng is installed."""
    clips = []
    for number, sentence in enumerate(SENTENCES if shutil.which("espeak-ng") else ()):
        for voice in _VOICES:
            path = cache / "espeak" / f"{voice}-{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            audio, rate = said(sentence, voice, path)
            clips.append(Clip(path.stem, sentence, audio, rate, sentence))
    return clips


def said(sentence: str, voice: str, path: Path) -> tuple[np.ndarray, int]:
    """A sentence by espeak-ng, (N, 1), and its rate; kept at the path."""
    if not path.exists():
        subprocess.run(["espeak-ng", "-v", voice, "-w", str(path), sentence], check=True)
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return audio, rate


def prompts(cache: Path) -> list[Clip]:
    """Recorded prompts of 2 s and more, whose words are not known."""
    folder = unpacked(PROMPTS, cache)
    paths = [] if folder is None else [p for p in sorted(folder.rglob("*.wav")) if p.parent.name != "silence"]
    clips = []
    for path in paths:
        if soundfile.info(path).duration >= 2.5:
            audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
            clips.append(Clip(f"prompt-{path.stem}", path.stem, audio, rate))
    return clips[:: max(1, len(clips) // 80)]


def read_aloud(cache: Path) -> list[Clip]:
    """Recorded prompts with the words that the reader was given, at 16 kHz; no other package had both."""
    from tunesmith.audio.resample import resample
    from tunesmith.speech.syllables import syllables

    sounds, texts = unpacked(PROMPTS, cache), unpacked(PROMPT_TEXTS, cache)
    lists = [] if sounds is None or texts is None else sorted(texts.rglob("core-sounds-en.txt.gz"))
    paths = {path.stem: path for path in sorted(sounds.rglob("*.wav"))} if sounds else {}
    clips = []
    for line in gzip.decompress(lists[0].read_bytes()).decode("utf-8", "replace").splitlines() if lists else ():
        name, _, text = line.partition(": ")
        path = paths.get(name.rpartition("/")[2])
        if path is not None and "[" not in text and syllables(text) >= _FEWEST_SYLLABLES:
            audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
            audio = resample(audio.T, rate, 16_000).T
            clips.append(Clip(f"read-{path.stem}", path.stem, audio, 16_000, text.strip(". ")))
    return clips
