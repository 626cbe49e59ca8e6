"""Texts in whatever encoding they were saved."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

UTF = ("utf-8-sig", "utf-16")
"""Encodings that say of themselves what they are; any other is a guess."""


def read_text(path: Path) -> tuple[str, str]:
    """A caption file's text, trimmed and with line feeds alone for line ends, and the encoding it was in.

    Raises:
        TunesmithError: when the file cannot be opened.
    """
    text, encoding = decoded(path)
    return "\n".join(text.splitlines()).strip(), encoding


def decoded(path: Path) -> tuple[str, str]:
    """A file's text as it is, and the encoding it was in.

    Byte-order marks are taken off. What is not UTF-8 is read as GB2312 where all of it is, else as Latin-1, which never
    fails; the caller says so (:func:`not_utf8`).

    Raises:
        TunesmithError: when the file cannot be opened.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise explain_os_error(error, path) from error
    candidates = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb2312", "latin-1")
    for encoding in candidates:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise TunesmithError(
        msg("this text file is in no known encoding"), where=str(path), remedy=msg("Save it as UTF-8.")
    )


def not_utf8(clip: str, file: str, encoding: str) -> Finding:
    """A warning that a file was not UTF-8 and how it was read."""
    return Finding(
        check="layout",
        level="warn",
        clip=clip,
        message=msg("{file} is not UTF-8; it was read as {encoding}", file=file, encoding=encoding),
        remedy=msg("Look at the text as shown, and save the file as UTF-8."),
    )
