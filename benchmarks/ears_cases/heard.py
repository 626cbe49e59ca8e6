"""What GE2E hears in every recording, as it is and after what happens to recordings; kept in the cache."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ears_cases.recordings import RATE, VOICES, Recording, Voice, recordings
from tunesmith.files import read_json, write_json
from tunesmith.speech.duration import active, floor_db, spoken_seconds
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.speaker_vector import VoiceVector

_VERSION = 1


def clean(audio: np.ndarray, seed: int) -> np.ndarray:
    """As it is."""
    return audio


def noisy(decibels: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """White noise so many dB under the speech."""

    def apply(audio: np.ndarray, seed: int) -> np.ndarray:
        speech = np.repeat(active(audio, RATE), RATE // 100)
        kept = audio[: len(speech)][speech[: len(audio)]]
        level = float(np.sqrt(np.mean(np.square(kept if len(kept) else audio)))) * 10 ** (-decibels / 20)
        noise = np.random.default_rng(seed).standard_normal(len(audio))
        return np.asarray(audio + level * noise, np.float32)

    return apply


def coded(rate: int, level: float, **how: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """Through an encoder of libsndfile and back."""

    def apply(audio: np.ndarray, seed: int) -> np.ndarray:
        from tunesmith.audio.resample import resample

        memory = io.BytesIO()
        higher = resample(audio[None], RATE, rate)[0]
        soundfile.write(memory, higher, rate, compression_level=level, **how)
        memory.seek(0)
        found, found_rate = soundfile.read(memory, dtype="float32")
        return np.asarray(resample(found[None], found_rate, RATE)[0])

    return apply


# Of one channel: 64 and 32 kbit/s, measured by the size of what is written.
TREATMENTS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "clean": clean,
    "noise 20 dB": noisy(20),
    "noise 10 dB": noisy(10),
    "MP3": coded(24_000, 0.64, format="MP3", bitrate_mode="CONSTANT"),
    "Opus": coded(24_000, 0.90, format="OGG", subtype="OPUS"),
}


@dataclass(frozen=True)
class Heard:
    """All clips of one voice, by treatment, in one order; a clip in which there is too little speech is in none."""

    voice: Voice
    clips: tuple[str, ...]
    facts: dict[str, tuple[SpokenFacts, ...]]


def hear_all(cache: Path, ear: VoiceVector, say: Callable[[str], None] = print) -> list[Heard]:
    """Every voice of which there is enough, heard once and kept in the cache by voice."""
    found = []
    for voice in VOICES:
        path = cache / "ears" / "voices" / f"{voice.name.replace(' ', '_')}.json"
        known = read_json(path) if path.exists() else {}
        if known.get("version") != _VERSION:
            known = {"version": _VERSION, "clips": _hear(recordings(voice, cache), ear)}
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, known)
            say(f"heard {voice.name}: {len(known['clips'])} recordings")
        if known["clips"]:
            found.append(_heard(voice, known["clips"]))
    return found


def _hear(clips: list[Recording], ear: VoiceVector) -> dict[str, dict[str, dict[str, object]]]:
    made = {}
    for clip in clips:
        seed = zlib.crc32(f"{clip.voice.name} {clip.name}".encode())
        facts = {name: _facts(treat(clip.audio, seed), ear) for name, treat in TREATMENTS.items()}
        if all(each["voice"] for each in facts.values()):
            made[clip.name] = facts
    return made


def _facts(audio: np.ndarray, ear: VoiceVector) -> dict[str, object]:
    vector = np.asarray(ear.embed(audio, RATE), np.float64)
    return {
        "spoken": spoken_seconds(audio, RATE),
        "floor_db": floor_db(audio, RATE),
        "voice": [round(float(value), 4) for value in vector] if np.isfinite(vector).all() else [],
    }


def _heard(voice: Voice, clips: dict[str, dict[str, dict[str, object]]]) -> Heard:
    facts = {name: tuple(_spoken(each[name]) for each in clips.values()) for name in TREATMENTS}
    return Heard(voice, tuple(clips), facts)


def _spoken(known: dict[str, object]) -> SpokenFacts:
    return SpokenFacts(
        spoken=float(known["spoken"]),  # type: ignore[arg-type]
        floor_db=float(known["floor_db"]),  # type: ignore[arg-type]
        pause=0.0,
        pause_start=0.0,
        voice=tuple(known["voice"]),  # type: ignore[arg-type]
        voice_name="GE2E",
    )
