"""Files beside a clip that hold its caption, its lyrics or both, under the names that tools have given them.

A caption stands in ``x_prompt.txt``, ``x.caption.txt``, ``x.caption`` or ``x.txt``, lyrics in ``x_lyrics.txt``,
``x.lyrics.txt`` or ``x.lyrics``; ``x.json`` may hold both. Beside ``x.caption.txt``, ``x.caption`` or a ``caption`` in
``x.json``, and where no other file holds lyrics, ``x.txt`` holds them, as ACE-Step 1.5 has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.audio.decode import is_audio
from tunesmith.data.characters import same_name, shown
from tunesmith.data.layouts.dataset import Entry
from tunesmith.data.layouts.record import CAPTIONS, LYRICS, named, tags_as_caption
from tunesmith.data.layouts.text_files import UTF, decoded, not_utf8, read_text
from tunesmith.errors import TunesmithError
from tunesmith.files import parse_json
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

PLAIN, RECORD = ".txt", ".json"
WITH_LYRICS_IN_PLAIN = (".caption.txt", ".caption")
"""Captions of those who keep lyrics in ``x.txt``."""
CAPTION_FILES = ("_prompt.txt", *WITH_LYRICS_IN_PLAIN)
LYRIC_FILES = ("_lyrics.txt", ".lyrics.txt", ".lyrics")
ENDINGS = (*CAPTION_FILES, *LYRIC_FILES, PLAIN, RECORD)


@dataclass(frozen=True)
class Beside:
    """What was read beside one clip.

    Attributes:
        entry: The clip with its texts and attributes.
        used: The files that were read.
        caption_file: The file that holds its caption; ``None`` where none does, or a record.
        problems: What is wrong with them.
        has_caption: Whether any file holds a caption.
        plain_is_lyrics: Whether ``x.txt`` was taken for lyrics.
    """

    entry: Entry
    used: tuple[PurePosixPath, ...]
    caption_file: PurePosixPath | None
    problems: tuple[Finding, ...]
    has_caption: bool
    plain_is_lyrics: bool


class BesideFiles:
    """The files of a folder that may hold texts, found by the clip that they belong to.

    Args:
        folder: The dataset's folder.
        files: Every file below it, relative to it.
    """

    def __init__(self, folder: Path, files: Iterable[PurePosixPath]) -> None:
        self.folder = folder
        self._found: dict[tuple[PurePosixPath, str, str], PurePosixPath] = {}
        for path in files:
            if is_audio(Path(path)):
                continue
            for ending in ENDINGS:
                if path.name.casefold().endswith(ending) and len(path.name) > len(ending):
                    key = (path.parent, same_name(path.name[: -len(ending)]), ending)
                    if key not in self._found or path.name.endswith(ending):  # small letters come before others
                        self._found[key] = path

    def of(self, clip: PurePosixPath) -> dict[str, PurePosixPath]:
        """The files of a clip by their endings."""
        stem = same_name(clip.stem)
        found = ((ending, self._found.get((clip.parent, stem, ending))) for ending in ENDINGS)
        return {ending: path for ending, path in found if path is not None}

    def read(self, clip: PurePosixPath) -> Beside:
        """Everything that the files of a clip say; what is wrong with one is a problem of the clip."""
        return _Reading(self.folder, clip, self.of(clip)).read()

    def without_clip(self, clips: Iterable[PurePosixPath]) -> Iterator[tuple[PurePosixPath, list[PurePosixPath]]]:
        """Files whose name says that they are a clip's text, and that have no clip, by the clip's name."""
        stems = {(clip.parent, same_name(clip.stem)) for clip in clips}
        alone: dict[PurePosixPath, list[PurePosixPath]] = {}
        for (parent, stem, ending), path in self._found.items():
            if ending in (*CAPTION_FILES, *LYRIC_FILES) and (parent, stem) not in stems:
                alone.setdefault(parent / stem, []).append(path)
        yield from alone.items()

    def holds_texts(self, clip: PurePosixPath) -> bool:
        """Whether any file beside a clip holds a text of it."""
        found = self.of(clip)
        if RECORD in found and len(found) == 1:
            beside = self.read(clip)
            return bool(beside.used) or any(problem.level == "error" for problem in beside.problems)
        return bool(found)


@dataclass
class _Reading:
    folder: Path
    clip: PurePosixPath
    found: dict[str, PurePosixPath]
    texts: dict[str, str] = field(default_factory=dict)
    used: list[PurePosixPath] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)

    def read(self) -> Beside:
        caption = self._first(CAPTION_FILES)
        lyrics = self._first(LYRIC_FILES)
        record = self._record(caption is not None or PLAIN in self.found)
        of_record = named(record, CAPTIONS)
        says_caption = of_record is not None and of_record.strip().casefold() == "caption"
        takes_lyrics = (caption in WITH_LYRICS_IN_PLAIN) or (caption is None and says_caption)
        plain_is_lyrics = takes_lyrics and lyrics is None and not named(record, LYRICS) and PLAIN in self.found
        if plain_is_lyrics:
            lyrics = PLAIN
        elif caption is None and PLAIN in self.found and not says_caption:
            caption = PLAIN
        self._read_file("caption", caption)
        self._read_file("lyrics", lyrics)
        attributes = self._of_record(record)
        return Beside(
            Entry(self.clip, self.texts, attributes),
            tuple(self.used),
            self.found[caption] if caption else None,
            tuple(self.problems),
            "caption" in self.texts,
            plain_is_lyrics,
        )

    def _first(self, endings: Iterable[str]) -> str | None:
        return next((ending for ending in endings if ending in self.found), None)

    def _read_file(self, role: str, ending: str | None) -> None:
        if ending is None:
            return
        path = self.found[ending]
        self.texts[role], encoding = read_text(self.folder / path)
        self.used.append(path)
        if encoding not in UTF:
            self.problems.append(not_utf8(shown(str(self.clip)), shown(path.name), encoding))

    def _record(self, has_caption: bool) -> Mapping[str, Any]:
        """The object in ``x.json``, empty where it says nothing of a clip; damage costs the clip its only caption."""
        path = self.found.get(RECORD)
        if path is None:
            return {}
        try:
            text, encoding = decoded(self.folder / path)
            record = parse_json(text, Path(path.name))
        except TunesmithError as error:
            what = msg("{where}: {said}", where=error.where, said=error.what)
            self._problem("warn" if has_caption else "error", what, msg("Correct or remove it."))
            return {}
        if not isinstance(record, dict) or not (named(record, (*CAPTIONS, *LYRICS)) or tags_as_caption(record)):
            return {}
        self.used.append(path)
        if encoding not in UTF:
            self.problems.append(not_utf8(shown(str(self.clip)), shown(path.name), encoding))
        return record

    def _of_record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Take in the record's texts, where no file of its own holds them; give what else it says."""
        known = {"caption": named(record, CAPTIONS), "lyrics": named(record, LYRICS)}
        name = shown(self.found[RECORD].name) if record else ""
        for role, key in known.items():
            if key is None:
                continue
            if role in self.texts:
                what = msg(
                    "{file} holds `{key}` too, which is not used: a text file beside it does", file=name, key=key
                )
                self._problem("warn", what, msg("Keep one of the two."))
            elif isinstance(record[key], str):
                self.texts[role] = record[key].strip()
            else:
                what = msg("`{key}` in {file} is no text", key=key, file=name)
                self._problem("error" if role == "caption" else "warn", what, msg("Write it in quotes, or remove it."))
        if "caption" not in self.texts and (tags := tags_as_caption(record)):
            self.texts["caption"] = tags
        return {key: value for key, value in record.items() if key not in known.values() and value not in (None, "")}

    def _problem(self, level: str, what: Message, remedy: Message) -> None:
        clip = shown(str(self.clip))
        self.problems.append(
            Finding.model_validate({"check": "layout", "level": level, "clip": clip, "message": what, "remedy": remedy})
        )
