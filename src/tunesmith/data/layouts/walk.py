"""Look through a folder of audio: files in a stable order, texts in whatever encoding they were saved."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from tunesmith.audio.decode import is_audio
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.texts import msg


def audio_files(folder: Path) -> list[PurePosixPath]:
    """Every clip under ``folder``, relative to it and sorted; hidden files and folders are left out.

    Raises:
        TunesmithError: when a folder cannot be listed.
    """
    return [path for path in files(folder) if is_audio(Path(path))]


def files(folder: Path) -> list[PurePosixPath]:
    """Every visible file under ``folder``, relative to it and sorted.

    Raises:
        TunesmithError: when a folder cannot be listed.
    """

    def stop(error: OSError) -> None:
        raise explain_os_error(error, folder) from error

    found = []
    for directory, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        relative = PurePosixPath(Path(directory).relative_to(folder).as_posix())
        found += [relative / name for name in names if not name.startswith(".")]
    return sorted(found, key=str)


def read_text(path: Path) -> tuple[str, str]:
    """A caption file's text, trimmed, and the encoding it was in.

    Byte-order marks and Windows line ends are taken off. What is not UTF-8 is read as GB2312 where all of it is, else
    as Latin-1, which never fails; the caller says so.

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
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return "\n".join(text.splitlines()).strip(), encoding
    raise TunesmithError(
        msg("this text file is in no known encoding"), where=str(path), remedy=msg("Save it as UTF-8.")
    )


def inside(folder: Path, name: str, where: str) -> PurePosixPath:
    """The path ``name`` relative to ``folder``, refused where it leads out of it.

    Raises:
        TunesmithError: for an empty path, ``../`` that leaves the folder, or an absolute path elsewhere.
    """
    path = Path(os.path.normpath(name)) if name.strip() else None
    if path is not None and path.is_absolute():
        root = folder.absolute()
        path = path.relative_to(root) if path.is_relative_to(root) else None
    if path is None or path.parts[:1] in ((), ("..",)) or "\x00" in name:
        raise TunesmithError(
            msg("the audio path {name!r} lies outside the dataset's folder {folder}", name=name, folder=folder),
            where=where,
            remedy=msg("Give a path inside it, such as train/a.wav."),
        )
    if "\\" in name and not (folder / path).exists():  # written on Windows
        return inside(folder, name.replace("\\", "/"), where)
    return PurePosixPath(path.as_posix())
