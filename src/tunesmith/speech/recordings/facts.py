"""What is known of one spoken clip: plain numbers, kept between commands so that nothing is heard twice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tunesmith.files import write_text

_VERSION = 2  # raise when a measurement changes its meaning


@dataclass(frozen=True)
class SpokenFacts:
    """One recording. NaN stands for what cannot be told.

    Attributes:
        spoken: Seconds of speech, pauses and both ends left out.
        floor_db: Level of the quietest moments under that of the loud ones, not under -40.
        pause: The longest pause between stretches of speech, in seconds.
        pause_start: Where it begins.
        voice: Speaker vector; empty without enough speech.
        voice_name: What made it.
        transcript: What was heard; ``None`` where nobody listened.
        ears: Who listened.
    """

    spoken: float
    floor_db: float
    pause: float
    pause_start: float
    voice: tuple[float, ...]
    voice_name: str
    transcript: str | None = None
    ears: str = ""


class SpokenStore:
    """Facts of earlier commands in a file of JSON lines, which may be deleted any time.

    Args:
        path: The file; ``None`` keeps nothing.

    Attributes:
        known: Facts by key, as they were read.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known = _read(path) if path is not None and path.exists() else {}

    def get(self, key: str, voice_name: str, ears: str) -> SpokenFacts | None:
        """Facts made by the same means, if there are any."""
        facts = self.known.get(key)
        return facts if facts is not None and (facts.voice_name, facts.ears) == (voice_name, ears) else None

    def save(self, known: dict[str, SpokenFacts], *, whole: bool = True) -> None:
        """Keep these, and no others where they are the ``whole``: those of files that have gone are forgotten."""
        known = known if whole else {**self.known, **known}
        if self.path is not None and known != self.known:
            lines = [json.dumps({"version": _VERSION, "key": key, **asdict(facts)}) for key, facts in known.items()]
            write_text(self.path, "".join(f"{line}\n" for line in lines))


def _read(path: Path) -> dict[str, SpokenFacts]:
    """Lines that are no facts (an older version, a damaged file) are left out, and measured again."""
    names = {each.name for each in fields(SpokenFacts)}
    known = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            version, key = record.pop("version"), record.pop("key")
            voice = tuple(float(value) for value in record.pop("voice"))
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if version == _VERSION and isinstance(key, str) and {*record, "voice"} == names:
            known[key] = SpokenFacts(voice=voice, **record)
    return known
