"""Captions as tags: the one way to part them, for labels, training and generation alike."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile("[,;\n\r\x0b\x0c\x85\u2028\u2029\u060c\u061b\u3001\ufe50\ufe51\ufe54\uff0c\uff1b\uff64]")
# comma, semicolon, line ends; Arabic comma and semicolon; ideographic comma; small, full-width and half-width forms


def split_tags(text: str) -> list[str]:
    """The tags of a text: parted by commas and semicolons of any script and by line ends, with single spaces.

    A sentence without any of these is one tag.
    """
    return [tag for part in _BETWEEN.split(text) if (tag := " ".join(part.split()))]


def join_tags(tags: Iterable[str]) -> str:
    """Tags as one line."""
    return ", ".join(tags)
