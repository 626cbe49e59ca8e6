"""Bad ears: wheels that are none or not the expected ones, damaged ears, and a folder for them that is none."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input_cases.case import Case, tunesmith
from bad_input_cases.damage import DAMAGES
from bad_input_cases.finished import Finished

Make = Callable[[Path], object]
WHEEL = "resemblyzer-0.1.4-py3-none-any.whl"
"""Named as the one of GE2E is."""


def cases(finished: Finished) -> Iterator[Case]:
    """Wheels, folders of wheels, and ears that were damaged since."""
    for name, make in WHEELS.items():
        for words in (("--from", f"w/{WHEEL}"), ("--from", "w"), ("ge2e", "--from", f"w/{WHEEL}")):
            commands = (tunesmith("ears", "install", *words), tunesmith("ears", expected="accepted"))
            yield Case("wheel of an ear", f"wheel-{name}-{len(words)}{words[-1][-3:]}", _wheel(make), commands)
    for damage in DAMAGES:
        for verb in (("ears",), ("ears", "list"), ("ears", "install", "ge2e", "--from", "w"), ("check", "d")):
            name = f"ear-{damage.__name__}-{'-'.join(verb)}"
            command = tunesmith(*verb, expected="any")
            yield Case("damaged ear", name, _damaged(finished, damage), (command,))


def _wheel(make: Make) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / "w").mkdir()
        make(folder / "w" / WHEEL)

    return prepare


def _damaged(finished: Finished, damage: Callable[[Path], None]) -> Callable[[Path], None]:
    """An ear whose record and weights look installed, one of them damaged; commands find it by their variable."""

    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        (folder / "w").mkdir()
        ear = folder / "ears" / "ge2e"
        ear.mkdir(parents=True)
        (ear / "pretrained.pt").write_bytes(b"weights" * 100)
        (ear / "ear.json").write_text(_record())
        for path in sorted(ear.iterdir()):
            damage(path)

    return prepare


def _record() -> str:
    from tunesmith.ears.catalogue import GE2E
    from tunesmith.records.ear import InstalledEar

    record = InstalledEar(
        name=GE2E.name,
        package=GE2E.package,
        version=GE2E.version,
        sha256=GE2E.sha256,
        licence=GE2E.licence,
        author=GE2E.author,
        files=dict.fromkeys(GE2E.files, "0" * 64),
    )
    return record.model_dump_json()


def _zip(members: dict[str, bytes]) -> Make:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return make


WHEELS: dict[str, Make] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("404: not found\n"),
    "html": lambda path: path.write_text("<!DOCTYPE html><html></html>"),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 100),
    "empty-zip": _zip({}),
    "other-zip": _zip({"resemblyzer/pretrained.pt": b"not these weights"}),
    "zip-that-climbs": _zip({"../../.executed": b"x", "resemblyzer/pretrained.pt": b"x"}),
    "zip-bomb": _zip({"resemblyzer/pretrained.pt": bytes(50_000_000)}),
    "folder": lambda path: path.mkdir(),
    "link-to-itself": lambda path: path.symlink_to(path.name),
    "link-to-nothing": lambda path: path.symlink_to("nowhere"),
    "link-to-device": lambda path: path.symlink_to("/dev/null"),
}
