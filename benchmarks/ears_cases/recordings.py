"""Recordings of one voice each: telephone prompts, acted lines, words read aloud at home, and espeak-ng's voices.

Each half has every other voice of a kind, so that no voice that limits were fitted on is among those that are reported.
"""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from debian import files_of, program
from dirty_data_cases.material import SENTENCES

Half = Literal["fit", "report"]
KINDS = ("prompts", "acted", "shouts", "read", "espeak")
RATE = 16_000
CLIPS = 24
"""At most, of one voice."""
_LEAST_S, _LONGEST_S = 1.2, 12.0
_FEWEST = 16
_GSM_RATE = 8_000


@dataclass(frozen=True)
class Voice:
    """One person's recordings, or one voice of a synthesiser.

    Attributes:
        name: As in the results.
        kind: One of :data:`KINDS`.
        half: ``fit`` or ``report``.
        package: The Debian package; empty for espeak-ng's.
        files: What its files' paths match; for espeak-ng, the voice.
        archive: Where in the package a zip file holds them.
    """

    name: str
    kind: str
    half: Half
    package: str
    files: str
    archive: str = ""


@dataclass(frozen=True)
class Recording:
    """One clip: mono (N,) at :data:`RATE`."""

    name: str
    voice: Voice
    audio: np.ndarray


def _by_turns(kind: str, rows: tuple[tuple[str, ...], ...]) -> list[Voice]:
    halves: tuple[Half, Half] = ("fit", "report")
    return [Voice(name, kind, halves[n % 2], *more) for n, (name, *more) in enumerate(rows)]


_CORE, _STAMPS = "asterisk-core-sounds", "tuxpaint-stamps-default"
_PROMPTS = (
    ("English", f"{_CORE}-en-wav", r"\.wav$"),
    ("French", f"{_CORE}-fr-wav", r"\.wav$"),
    ("Italian", f"{_CORE}-it-wav", r"\.wav$"),
    ("Spanish", f"{_CORE}-es-wav", r"\.wav$"),
    ("Russian", f"{_CORE}-ru-wav", r"\.wav$"),
    ("Colombian", "asterisk-prompt-es-co", r"\.gsm$"),
    ("Armelle", "asterisk-prompt-fr-armelle", r"\.gsm$"),
    ("Menardi", "asterisk-prompt-it-menardi-wav", r"\.wav$"),
)
_ACTED = (
    ("small fish, Czech", "fillets-ng-data-cs", r"-m-[^/]*\.ogg$"),
    ("big fish, Czech", "fillets-ng-data-cs", r"-v-[^/]*\.ogg$"),
    ("big fish, Dutch", "fillets-ng-data-nl", r"-v-[^/]*\.ogg$"),
    ("small fish, Dutch", "fillets-ng-data-nl", r"-m-[^/]*\.ogg$"),
    ("instructor", "warzone2100-data", r"^audio/tutorial/[^/]*\.ogg$", "base.wz"),
)
# Parts that few people play: a part is one voice, and two parts may be one person, so that none is another's voice.
_SHOUTS = tuple(
    (f"hedgehog {part}", "hedgewars-data", rf"voices/{part}/[^/]*\.ogg$")
    for part in (
        "British", "Default_es", "HillBilly", "Mobster", "Pirate", "Russian", "Russian_pl", "Singer", "Surfer",
    )
)  # fmt: skip
# In Catalan and French somebody else reads the animals (GE2E puts these at 0.67 and 0.58 of the others).
_READ = tuple(
    (f"stamps {code}", _STAMPS, rf"_desc_{code}\.ogg$") for code in ("be", "bg", "da", "el", "es", "ro", "ru")
)
_ESPEAK = tuple(
    (f"espeak {voice}", "", voice)
    for voice in (
        "en-us", "en-us+f3", "en-gb+m3", "en-gb+f4", "en-us+m7", "en-us+f2", "en-gb+m5", "en-us+croak", "en-gb+f5",
        "en-us+m2", "en-us+whisper", "en-gb+m8",
    )
)  # fmt: skip
VOICES = [
    *_by_turns("prompts", _PROMPTS),
    *_by_turns("acted", _ACTED),
    *_by_turns("shouts", _SHOUTS),
    *_by_turns("read", _READ),
    *_by_turns("espeak", _ESPEAK),
]


def recordings(voice: Voice, cache: Path) -> list[Recording]:
    """Up to :data:`CLIPS` recordings from all over a voice's files; none where fewer than 16 are long enough."""
    made = list(_synthesised(voice, cache) if voice.kind == "espeak" else _recorded(voice, cache))
    return made if len(made) >= _FEWEST else []


def _synthesised(voice: Voice, cache: Path) -> Iterator[Recording]:
    folder = cache / "ears" / "espeak"
    folder.mkdir(parents=True, exist_ok=True)
    for number, sentence in enumerate(SENTENCES[:CLIPS]):
        path = folder / f"{voice.files}-{number}.wav"
        if not path.exists():
            subprocess.run([program("espeak-ng"), "-v", voice.files, "-w", str(path), sentence], check=True)
        yield Recording(f"{number:02d}", voice, _mono(*soundfile.read(path, dtype="float32")))


def _recorded(voice: Voice, cache: Path) -> Iterator[Recording]:
    named = _archived(voice, cache) if voice.archive else _plain(voice, cache)
    long = [(name, data) for name, data in named if _LEAST_S <= _seconds(name, data) <= _LONGEST_S]
    for name, data in long[:: max(1, len(long) // CLIPS)][:CLIPS]:
        yield Recording(name, voice, _mono(*_read(name, data)))


def _plain(voice: Voice, cache: Path) -> list[tuple[str, bytes]]:
    paths = files_of(voice.package, cache, "*")
    chosen = [path for path in paths if re.search(voice.files, str(path)) and "/silence/" not in str(path)]
    return [(str(path.relative_to(cache / voice.package)), path.read_bytes()) for path in chosen]


def _archived(voice: Voice, cache: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(files_of(voice.package, cache, voice.archive)[0]) as archive:
        return [(name, archive.read(name)) for name in sorted(archive.namelist()) if re.search(voice.files, name)]


def _read(name: str, data: bytes) -> tuple[np.ndarray, int]:
    if name.endswith(".gsm"):
        raw = {"format": "RAW", "subtype": "GSM610", "samplerate": _GSM_RATE, "channels": 1}
        audio, rate = soundfile.read(io.BytesIO(data), dtype="float32", **raw)
    else:
        audio, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return audio, rate


def _seconds(name: str, data: bytes) -> float:
    try:
        audio, rate = _read(name, data)
    except soundfile.LibsndfileError:
        return 0.0
    return len(audio) / rate


def _mono(audio: np.ndarray, rate: int) -> np.ndarray:
    from tunesmith.audio.resample import resample

    mono = audio.mean(axis=1) if audio.ndim == 2 else audio
    made: np.ndarray = resample(mono[None].astype(np.float32), rate, RATE)[0]
    return made
