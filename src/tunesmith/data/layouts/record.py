"""What an entry of a list and a ``.json`` beside a clip have in common: a caption and lyrics under many names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.tags import join_tags, split_tags

FILES = (
    "file_name", "audio_file_name", "filename", "file", "audio", "audio_path", "audio_file", "audio_filepath",
    "audiofile",
)  # fmt: skip
"""Names of what says which file an entry is about, the documented one first."""
CAPTIONS = ("text", "caption", "prompt", "description", "transcription", "sentence")
"""Names of a caption, the one that counts first."""
LYRICS = ("lyrics", "lyric")
_TAGS = ("tags", "keywords", "genre", "genres", "moods", "mood", "instrument", "instruments")
"""Fields whose words stand in for a caption where there is none."""


def named(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The record's own spelling of the first of ``names`` that it has a value for; case does not matter."""
    spelling = {key.strip().casefold(): key for key, value in reversed(list(record.items())) if value not in (None, "")}
    return next((spelling[name] for name in names if name in spelling), None)


def tags_as_caption(record: Mapping[str, Any]) -> str:
    """The tags in a record that has no caption: keywords, genre, mood and instruments, each once."""
    tags: dict[str, str] = {}
    for name in _TAGS:
        if (key := named(record, (name,))) is None:
            continue
        values = record[key] if isinstance(record[key], list) else [record[key]]
        for tag in (tag for value in values if isinstance(value, str) for tag in split_tags(value)):
            tags.setdefault(tag.casefold(), tag)
    return join_tags(tags.values())
