"""Bad places and states of what fills a folder: `check --fix` and `slice`; and folders that are only checked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input_cases.audio_cases import FILES
from bad_input_cases.case import Case, Command, tunesmith
from bad_input_cases.damage import DAMAGES
from bad_input_cases.execute import ENVIRONMENT
from bad_input_cases.finished import CUT, Finished

Change = Callable[[Path], object]
FIX = ("check", "d", "--fix")
SLICE = (*CUT, "d")
NAMES = ("-x", "a\nb", "\x1b[31m", os.fsdecode(b"caf\xe9"), "x" * 300, "n/e/w", "d/../o", " ", "", "%s{x}")
"""Of folders that are to be filled."""
JOURNALS = {
    "fix": (".written.jsonl", ".facts.jsonl", ".facts.npz", "repairs.json", "c0.wav", "c0.txt"),
    "slice": (".written.jsonl", ".plans.jsonl", "slices.json", "metadata.jsonl"),
}
"""Files of a filled folder that the same command reads again."""
INTERRUPTED_S = 60.0


def cases(finished: Finished) -> Iterator[Case]:
    """Places to fill, folders that were filled before, interrupted commands, hostile names, and odd clips."""
    for verb, words in {"fix": FIX, "slice": SLICE}.items():
        for name, (change, expected) in PLACES.items():
            prepare = _with_clips(finished, change)
            yield Case("folder to fill", f"fill-{verb}-{name}", prepare, (tunesmith(*words, "out", expected=expected),))
        for name, change in FORBIDDEN.items():
            prepare = _with_clips(finished, change)
            yield Case("folder to fill", f"fill-{verb}-{name}", prepare, (_unprivileged(*words, "out"),))
        for out in NAMES:
            prepare = _with_clips(finished, lambda folder: None)
            yield Case("name to fill", f"fill-{verb}-{out[:20]!r}", prepare, (tunesmith(*words, out, expected="any"),))
        yield from _filled_before(finished, verb)
        prepare = _interrupted(finished, (*words, "out"))
        again = tunesmith(*words, "out", expected="accepted")
        yield Case("filling interrupted", f"interrupted-{verb}", prepare, (again, again))
    yield from _checked(finished)


def _filled_before(finished: Finished, verb: str) -> Iterator[Case]:
    """A folder that was filled once, of which a file was damaged or edited since; the second time nothing is new."""
    source, words = str(finished.clips), ("check", str(finished.clips), "--fix", "out")
    filled = finished.fixed if verb == "fix" else finished.sliced
    words = words if verb == "fix" else (*CUT, source, "out")
    commands = (tunesmith(*words, expected="any"), tunesmith(*words, expected="any"))
    for file in JOURNALS[verb]:
        for damage in DAMAGES:
            name = f"filled-{verb}-{file}-{damage.__name__}"
            yield Case("folder filled before", name, _copied(filled, file, damage), commands)


def _checked(finished: Finished) -> Iterator[Case]:
    """A folder that is only checked: nothing is written into it."""
    for name, (file, make) in FILES.items():
        prepare = _with_clips(finished, lambda folder, file=file, make=make: make(folder / "d" / file))
        commands = (tunesmith("check", "d", expected="any"), tunesmith("check", "d", "--all", expected="any"))
        yield Case("folder only checked", f"checked-{name}", prepare, commands)
    for name, change in CHECKED.items():
        prepare = _with_clips(finished, change)
        yield Case("folder only checked", f"checked-{name}", prepare, (tunesmith("check", "d", expected="any"),))
    for words in (("data.layout=nowhere",), ("checks.min_seconds=nan",), ("options.x=1",), ("model.family=x",)):
        prepare = _with_clips(finished, lambda folder: None)
        yield Case("folder only checked", f"checked-{words[0]}", prepare, (tunesmith("check", "d", *words),))


def _with_clips(finished: Finished, change: Change) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        change(folder)

    return prepare


def _copied(filled: Path, file: str, damage: Callable[[Path], None]) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(filled, folder / "out")
        if (folder / "out" / file).exists():
            damage(folder / "out" / file)

    return prepare


def _interrupted(finished: Finished, words: tuple[str, ...]) -> Callable[[Path], None]:
    """The same command was killed after its first file."""

    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        command = [sys.executable, "-m", "tunesmith", *words]
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + INTERRUPTED_S
        while process.poll() is None and time.monotonic() < until and not list(folder.glob("out/*.wav")):
            time.sleep(0.01)
        process.kill()
        process.wait()

    return prepare


def _unprivileged(*words: str) -> Command:
    return Command(("tunesmith", *words), "refused", unprivileged=True)


def _filled_with(name: str, content: str) -> Change:
    def change(folder: Path) -> None:
        path = folder / "out" / name
        path.parent.mkdir(parents=True)
        path.write_text(content)

    return change


def _many_broken(folder: Path) -> None:
    for number in range(200):
        (folder / "d" / f"broken{number}.wav").write_bytes(b"" if number % 2 else b"no sound")


def _alone(*contents: bytes) -> Change:
    def change(folder: Path) -> None:
        shutil.rmtree(folder / "d")
        (folder / "d").mkdir()
        for number, content in enumerate(contents):
            (folder / "d" / f"b{number}.wav").write_bytes(content)

    return change


PLACES: dict[str, tuple[Change, str]] = {
    "missing": (lambda folder: None, "accepted"),
    "empty": (lambda folder: (folder / "out").mkdir(), "accepted"),
    "a-file": (lambda folder: (folder / "out").write_text("in the way"), "refused"),
    "not-empty": (_filled_with("mine.txt", "my notes"), "refused"),
    "hidden-file": (_filled_with(".mine", "my notes"), "refused"),
    "of-another": (_filled_with(".written.jsonl", '{"purpose": "repair", "source": "/somewhere"}\n'), "refused"),
    "of-another-verb": (_filled_with(".written.jsonl", '{"purpose": "x", "source": "d"}\n'), "refused"),
    "journal-binary": (_filled_with(".written.jsonl", "\0\1\2"), "any"),
    "journal-empty": (_filled_with(".written.jsonl", ""), "any"),
    "link-to-clips": (lambda folder: (folder / "out").symlink_to("d"), "refused"),
    "link-into-clips": (
        lambda folder: ((folder / "d" / "in").mkdir(), (folder / "out").symlink_to("d/in")),
        "refused",
    ),
    "link-around": (lambda folder: (folder / "out").symlink_to("."), "refused"),
    "link-to-itself": (lambda folder: (folder / "out").symlink_to("out"), "refused"),
    "link-to-nothing": (lambda folder: (folder / "out").symlink_to("nowhere"), "any"),
    "link-to-device": (lambda folder: (folder / "out").symlink_to("/dev/null"), "refused"),
    "lock-is-a-folder": (lambda folder: (folder / "out" / ".lock").mkdir(parents=True), "refused"),
    "broken-clips": (_many_broken, "any"),
    "all-broken": (_alone(b"", b"no sound", bytes(5000)), "any"),
}
"""What is where the folder is to be filled, and whether that is refused."""
FORBIDDEN: dict[str, Change] = {
    "read-only": lambda folder: ((folder / "out").mkdir(), (folder / "out").chmod(0o555)),
    "unreadable": lambda folder: ((folder / "out").mkdir(), (folder / "out").chmod(0)),
    "parent-read-only": lambda folder: folder.chmod(0o555),
}
CHECKED: dict[str, Change] = {
    "all-broken": _alone(b"", b"no sound", bytes(5000)),
    "broken-clips": _many_broken,
    "read-only": lambda folder: (folder / "d").chmod(0o555),
    "a-run-inside": lambda folder: (
        (folder / "d" / "runs" / "r").mkdir(parents=True),
        (folder / "d" / "recipe.yaml").write_text("name: [\n"),
    ),
    "empty": _alone(),
}
