"""Bad folders: unreadable, empty, looping, in the way of what is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input_cases.case import Case, Command, tunesmith
from bad_input_cases.finished import Finished

NEW = ("new", "a", "--from", "d", "--model", "pocket", "--preset", "pocket-demo")
Change = Callable[[Path], object]


def cases(finished: Finished) -> Iterator[Case]:
    """Folders of clips, run folders, and places to write to."""
    for name, change in CLIPS.items():
        commands = (
            tunesmith(*NEW, expected="any"),
            tunesmith("check", "a", expected="any"),
            tunesmith("label", "d", expected="any"),
            tunesmith("check", "d", "--fix", "fixed", expected="any"),
            tunesmith("slice", "d", "cut", "--seconds", "1-5", expected="any"),
        )
        yield Case("folder of clips", f"clips-{name}", _prepared(finished, change), commands)
    for name, (change, commands) in RUNS.items():
        yield Case("run folder", f"folder-{name}", _prepared(finished, change, run=True), commands)
    for name, (change, commands) in FORBIDDEN.items():
        yield Case("no permission", f"forbidden-{name}", _prepared(finished, change, run=True), commands)
    for name in NAMES:
        words = ("new", name, "--from", "d", "--model", "pocket", "--preset", "pocket-demo")
        commands = (tunesmith(*words, expected="any"), tunesmith("check", name, expected="any"))
        yield Case("name of a run", f"name-{name[:20]!r}", _prepared(finished, lambda folder: None), commands)
    for name in NAMES:
        for verb in ("info", "train", "report", "generate"):
            yield Case("name of a run", f"name-{verb}-{name[:20]!r}", lambda folder: None, (tunesmith(verb, name),))


def _prepared(finished: Finished, change: Change, *, run: bool = False) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        if run:
            shutil.copytree(finished.run("musicgen") / "runs" / "r", folder / "runs" / "r")
        change(folder)

    return prepare


def _deep(folder: Path) -> None:
    path = folder / "d"
    for _ in range(200):
        path = path / "deeper"
    path.mkdir(parents=True)
    shutil.copyfile(folder / "d" / "c0.wav", path / "c.wav")


def _loop(folder: Path) -> None:
    (folder / "d" / "again").symlink_to("..")
    (folder / "d" / "self").symlink_to("self")
    (folder / "d" / "b").mkdir()
    (folder / "d" / "b" / "back").symlink_to("../../d")


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder / "d")
    (folder / "d").mkdir()


def _replaced(name: str) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("in the way")

    return change


CLIPS: dict[str, Change] = {
    "empty": _emptied,
    "a-file": _replaced("d"),
    "missing": lambda folder: shutil.rmtree(folder / "d"),
    "loops": _loop,
    "deep": _deep,
    "link-to-root": lambda folder: (folder / "d" / "all").symlink_to("/proc/self"),
    "link-itself": lambda folder: (shutil.rmtree(folder / "d"), (folder / "d").symlink_to("d")),
    "hidden-only": lambda folder: [path.rename(path.with_name(f".{path.name}")) for path in (folder / "d").iterdir()],
    "mac-leftovers": lambda folder: [
        (folder / "d" / f"._c{i}.wav").write_bytes(b"\0\5\x16\7" + bytes(90)) for i in range(5)
    ],
    "captions-without-clips": lambda folder: [path.unlink() for path in (folder / "d").glob("*.wav")],
    "one-clip": lambda folder: [path.unlink() for path in (folder / "d").glob("c[1-9].wav")],
    "same-clip": lambda folder: [
        shutil.copyfile(folder / "d" / "c0.wav", folder / "d" / f"c{i}.wav") for i in range(1, 7)
    ],
    "texts-are-folders": lambda folder: [(p.unlink(), p.mkdir()) for p in (folder / "d").glob("*.txt")],
}
RUNS: dict[str, tuple[Change, tuple[Command, ...]]] = {
    "runs-is-a-file": (_replaced("runs"), (tunesmith(*NEW), tunesmith("run", "r"), tunesmith("info", "r"))),
    "run-is-a-file": (_replaced("runs/r"), (tunesmith("run", "r"), tunesmith("info", "r"), tunesmith("report", "r"))),
    "run-is-a-loop": (
        lambda folder: (shutil.rmtree(folder / "runs" / "r"), (folder / "runs" / "r").symlink_to("r")),
        (tunesmith("run", "r"), tunesmith("info", "r"), tunesmith("new", "r", "--from", "d", "--model", "pocket")),
    ),
    "run-is-empty": (
        lambda folder: (shutil.rmtree(folder / "runs" / "r"), (folder / "runs" / "r").mkdir()),
        (tunesmith("run", "r"), tunesmith("train", "r"), tunesmith("report", "r"), tunesmith("export", "r")),
    ),
    **{
        f"{name.replace('/', '-')}-is-a-file": (
            _replaced(f"runs/r/{name}"),
            tuple(tunesmith(*words, expected="any") for words in commands),
        )
        for name, commands in {
            "data": (("check", "r", "--force"), ("report", "r", "--force")),
            "cache": (("encode", "r", "--force"), ("evaluate", "r", "--force")),
            "cache/codes": (("encode", "r", "--force"), ("train", "r", "--fresh")),
            "stages": (("check", "r"), ("report", "r", "--force"), ("info", "r")),
            "checkpoints": (("train", "r", "--resume", "train.updates=3"), ("info", "r")),
            "best_model": (("generate", "r", "--force"), ("report", "r", "--force"), ("train", "r", "--fresh")),
            "final_model": (("train", "r", "--fresh"), ("export", "r", "--which", "final")),
            "generated": (("generate", "r", "--force"), ("report", "r", "--force")),
            "evaluation": (("evaluate", "r", "--force"), ("report", "r", "--force")),
            "evaluation/comparison_results.json": (("listen", "r"), ("report", "r", "--force")),
            "evaluation/base_model": (("listen", "r"), ("report", "r", "--force")),
            "listen.html": (("listen", "r"),),
            "listening_key.json": (("listen", "r"), ("listen", "r", "--votes", "votes.json")),
            "listening.json": (("report", "r", "--force"),),
            "attempts": (("train", "r", "--fresh"), ("info", "r")),
            "trained_on": (("train", "r", "train.updates=3"), ("info", "r"), ("report", "r", "--force")),
            "export": (("export", "r"),),
            "tensorboard": (("train", "r", "--fresh"),),
            "previews": (("train", "r", "--fresh", "previews.every=1", "previews.seconds=1"),),
        }.items()
    },
}
FORBIDDEN: dict[str, tuple[Change, tuple[Command, ...]]] = {
    name: (change, tuple(Command(("tunesmith", *words), "any", unprivileged=True) for words in commands))
    for name, (change, commands) in {
        "clips": (lambda folder: (folder / "d").chmod(0), (NEW, ("label", "d"), ("slice", "d", "out"))),
        "clip": (
            lambda folder: (folder / "d" / "c0.wav").chmod(0),
            (NEW, ("check", "a"), ("label", "d"), ("check", "d", "--fix", "out"), ("slice", "d", "cut")),
        ),
        "caption": (lambda folder: (folder / "d" / "c0.txt").chmod(0), (NEW, ("check", "a"))),
        "here": (
            lambda folder: folder.chmod(0o555),
            (NEW, ("export", "r"), ("schema", "--out", "x.json"), ("check", "d", "--fix", "x"), ("slice", "d", "x")),
        ),
        "run": (
            lambda folder: (folder / "runs" / "r").chmod(0o555),
            (("report", "r", "--force"), ("generate", "r", "--force"), ("info", "r"), ("train", "r", "--fresh")),
        ),
        "run-unreadable": (
            lambda folder: (folder / "runs" / "r").chmod(0),
            (("run", "r"), ("info", "r"), ("report", "r")),
        ),
        "recipe": (lambda folder: (folder / "runs" / "r" / "recipe.yaml").chmod(0), (("run", "r"), ("info", "r"))),
        "adapter": (
            lambda folder: (folder / "runs" / "r" / "best_model").chmod(0),
            (("generate", "r", "--force"), ("report", "r", "--force"), ("export", "r"), ("info", "r")),
        ),
        "stages": (lambda folder: (folder / "runs" / "r" / "stages").chmod(0), (("run", "r"), ("info", "r"))),
        "data": (
            lambda folder: (folder / "runs" / "r" / "data" / "manifest.jsonl").chmod(0),
            (("train", "r", "--fresh"), ("evaluate", "r", "--force"), ("report", "r", "--force")),
        ),
        "metrics": (
            lambda folder: (folder / "runs" / "r" / "metrics.jsonl").chmod(0),
            (("report", "r", "--force"), ("train", "r", "--resume", "train.updates=3")),
        ),
    }.items()
}
NAMES = (
    "",
    ".",
    "..",
    "/",
    "../x",
    "a/b",
    "~",
    "-x",
    "x\ny",
    "x" * 300,
    "\udce9",
    "con",
    "a b",
    "\x1b[31m",
    "nowhere",
    "{x}",
    "%s",
)
