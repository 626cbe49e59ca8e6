"""Texts that are file names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_ENDING = re.compile(r"\.(wav|mp3|flac|ogg|opus|m4a|aac|aiff?|wma)$", re.IGNORECASE)
_FEWEST_WORDS = 3
"""A name of as many words may well describe its clip: ``slow piano in the rain``."""


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning for each text that is its clip's name, or looks like one; of what is spoken, anything may be the name."""
    if context.transcripts:
        return
    for clip in context.clips:
        text = clip.sample.texts.get("caption", "").strip()
        if text and is_file_name(text, clip.sample):
            yield Finding(
                check="file_name_texts",
                level="warn",
                clip=clip.sample.id,
                message=msg("its text is the name of a file: “{text}”", text=shortened(text)),
                remedy=msg("Write what is heard: genre, instruments, mood, tempo; `tunesmith label` can propose it."),
            )


def is_file_name(text: str, sample: Sample) -> bool:
    """Whether a text is the name of a sample's file without being words, or looks like another's."""
    stems = {_plain(Path(ref.path).stem) for ref in sample.targets.values()}
    words = [word for word in re.split(r"[\W\d_]+", _ENDING.sub("", text)) if len(word) > 1]
    if _plain(text) in stems:
        return len(words) < _FEWEST_WORDS or "_" in text or _ENDING.search(text) is not None
    if _ENDING.search(text) is not None:
        return len(text.split()) < _FEWEST_WORDS
    return len(text.split()) == 1 and "_" in text and any(map(str.isdigit, text))


def shortened(text: str) -> str:
    """As much of a text as fits into a sentence."""
    return text if len(text) <= 60 else f"{text[:60]}…"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", _ENDING.sub("", name)).strip().casefold()
