"""Bad recipes and overrides: every key with a wrong type, an extreme number or an odd text, and broken files."""

from __future__ import annotations

import shutil
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bad_input_cases.case import Case, Command, tunesmith
from bad_input_cases.finished import FAMILIES, Finished

RUN = "r"
WRONG_TYPES = ("[{a: [1]}]", "{a: 1}", ".nan", "-.inf", "maybe", "!!python/object:os.system x", "&a [*a]", "{")
EXTREMES = ("-1", "0", "1e308", "1e-300", "999999999999999999999999999999", "1e9")
ODD_TEXTS = ('"a\\0b"', "../../../outside", '""', '"\\u2028\\u0007"', '"\\ud83c"', "/dev/zero", "'-rf'", "x" * 5000)
VERBS = {
    "name": ("plan",),
    "model": ("train",),
    "data": ("check", "train"),
    "checks": ("check",),
    "adapter": ("train",),
    "train": ("train",),
    "previews": ("train",),
    "generate": ("generate",),
    "evaluate": ("evaluate",),
    "gates": ("train",),
    "options": ("train", "generate"),
}
"""What reads a section."""
TRAINED = ("best_model", "final_model", "checkpoints", "trained_on", "metrics.jsonl", "previews")


def cases(finished: Finished) -> Iterator[Case]:
    """Cases over every key of the recipe and of each family's options, then whole files."""
    for family in FAMILIES:
        for number, (key, is_text) in enumerate(_keys(family)):
            if not key.startswith("options.") and number % len(FAMILIES) != FAMILIES.index(family):
                continue  # what families share is tried on one of them
            yield from _of_key(finished, family, key, is_text, number)
    for number, (name, text) in enumerate(FILES.items()):
        verb = ("check", "plan", "run", "info", "report", "train")[number % 6]
        prepare = _with_recipe(finished, text)
        yield Case("recipe file", f"recipe-file-{name}-{verb}", prepare, (tunesmith(verb, RUN, expected="any"),))
    for name, line in SECTIONS.items():
        commands = (tunesmith("train", RUN, expected="any"),)
        yield Case("recipe values", f"recipe-values-{name}", _with_lines(finished, line), commands)


def _of_key(finished: Finished, family: str, key: str, is_text: bool, number: int) -> Iterator[Case]:
    wrong = WRONG_TYPES[number % (len(WRONG_TYPES) - 4 * is_text)]
    yield Case(
        "override of a wrong type",
        f"type-{family}-{key}",
        _copy(finished, family),
        (tunesmith("plan", RUN, f"{key}={wrong}"),),
    )
    values = ODD_TEXTS if is_text else EXTREMES
    for turn in range(3):
        value = values[(number + turn * 2) % len(values)]
        verbs = VERBS[key.partition(".")[0]]
        verb = verbs[(number + turn) % len(verbs)]
        kind = "override of an odd text" if is_text else "override of an extreme number"
        commands = (_with_override(verb, key, value),)
        yield Case(
            kind, f"value-{family}-{key}-{turn}-{verb}", _copy(finished, family, untrained=verb == "train"), commands
        )


def _with_override(verb: str, key: str, value: str) -> Command:
    # One override of an updates' count would train for very long, and rightly: its plan is asked instead.
    long = key.startswith(("train.updates", "train.epochs")) and len(value) > 2
    return tunesmith("plan" if long else verb, RUN, f"{key}={value}", expected="any")


def _keys(family: str) -> list[tuple[str, bool]]:
    """Every key of a recipe of ``family``, and whether it takes text."""
    from tunesmith.families.registry import family_type
    from tunesmith.recipe.models import Recipe

    return [*_leaves(Recipe, ""), *_leaves(family_type(family).settings, "options.")]


def _leaves(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, bool]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, f"{prefix}{name}.")
        elif name != "options":
            yield f"{prefix}{name}", _takes_text(kind)


def _takes_text(kind: Any) -> bool:
    return kind is str or str in typing.get_args(kind)


def _copy(finished: Finished, family: str, *, untrained: bool = False) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        run = folder / "runs" / RUN
        ignored = shutil.ignore_patterns(*TRAINED, "train.json") if untrained else None
        shutil.copytree(finished.run(family) / "runs" / RUN, run, ignore=ignored)

    return prepare


def _with_recipe(finished: Finished, text: str | bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _copy(finished, "musicgen")(folder)
        content = text if isinstance(text, bytes) else text.replace("CLIPS", str(finished.clips)).encode()
        (folder / "runs" / RUN / "recipe.yaml").write_bytes(content)

    return prepare


def _with_lines(finished: Finished, line: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        recipe = folder / "runs" / RUN / "recipe.yaml"
        recipe.parent.mkdir(parents=True)
        sections = {
            "model": "{path: pocket, device: cpu}",
            "data": f"{{folder: {finished.clips}}}",
            "train": "{updates: 1}",
            "previews": "{every: 0}",
        }
        key, _, value = line.partition(": ")
        sections[key] = value.replace("CLIPS", str(finished.clips))
        recipe.write_text("".join(f"{key}: {value}\n" for key, value in sections.items()))

    return prepare


FILES: dict[str, str | bytes] = {
    "empty": "",
    "comment": "# nothing\n",
    "scalar": "42\n",
    "list": "- a\n- b\n",
    "tab": "model:\n\tpath: pocket\n",
    "two-documents": "name: a\n---\nname: b\n",
    "tag": "name: !!python/object/apply:os.system ['touch .executed']\n",
    "alias-bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
    "merge": "base: &b {path: pocket}\nmodel:\n  <<: *b\n",
    "deep": "name: " + "[" * 3000 + "]" * 3000,
    "deep-block": "".join(f"{' ' * depth}a:\n" for depth in range(400)),
    "duplicate": "name: a\nname: b\n",
    "null-key": "? null\n: a\n",
    "key-of-a-list": "? [a, b]\n: c\n",
    "number-key": "1: a\n",
    "utf-16": "name: a\n".encode("utf-16"),
    "utf-32": "name: a\n".encode("utf-32"),
    "latin-1": "name: café\n".encode("latin-1"),
    "bom-twice": b"\xef\xbb\xbf\xef\xbb\xbfname: a\n",
    "nul": b"name: a\0b\n",
    "control": b"name: a\x07b\n",
    "gzip": b"\x1f\x8b\x08\x00" + bytes(range(200)),
    "megabytes": "name: " + "a" * 8_000_000,
    "many-keys": "".join(f"k{number}: 1\n" for number in range(20_000)),
    "unclosed": 'name: "a\n',
    "percent": "%YAML 9.9\n---\nname: a\n",
    "huge-integer": "train: {seed: " + "9" * 5000 + "}\n",
    "date": "name: 2024-01-01\n",
    "section-is-text": "model: pocket\ndata: {folder: CLIPS}\n",
    "section-is-null": "model:\ndata:\ntrain:\n",
    "options-is-a-list": "model: {path: pocket}\ndata: {folder: CLIPS}\noptions: [a]\n",
    "surrogate": 'name: "\\ud800"\n',
    "carriage-returns": "model: {path: pocket}\rdata: {folder: CLIPS}\r",
}
"""Whole recipe files."""
SECTIONS: dict[str, str] = {
    "name-up": "name: ../../x",
    "name-slash": "name: a/b",
    "name-empty": 'name: ""',
    "name-nul": 'name: "a\\0b"',
    "no-folder": 'data: {folder: ""}',
    "folder-missing": "data: {folder: /nowhere/at/all}",
    "folder-is-a-device": "data: {folder: /dev/null}",
    "folder-is-proc": "data: {folder: /proc/self/fd}",
    "folder-nul": 'data: {folder: "a\\0b"}',
    "folder-home": "data: {folder: ~nobody-such/x}",
    "model-missing": "model: {path: ./nowhere}",
    "model-empty": 'model: {path: ""}',
    "model-nul": 'model: {path: "a\\0b"}',
    "model-url": "model: {path: 'https://example.org/x'}",
    "model-up": "model: {path: ../..}",
    "model-device": "model: {path: pocket, device: 'cuda:99'}",
    "model-device-odd": "model: {path: pocket, device: 'toaster'}",
    "model-family": "model: {path: pocket, family: ace_step}",
    "model-revision": "model: {path: facebook/musicgen-small, revision: '../../x'}",
    "snapshots-up": "train: {updates: 1, snapshots: ../../../x}",
    "snapshots-absolute": "train: {updates: 1, snapshots: /tmp/../tmp/x}",
    "snapshots-nul": 'train: {updates: 1, snapshots: "a\\0b"}',
    "stages-unknown": "train: {updates: 1, stages: {nowhere: {updates: 1}}}",
    "stages-nul": 'train: {updates: 1, stages: {"a\\0b": {updates: 1}}}',
    "targets-none": "adapter: {targets: []}",
    "targets-regex": "adapter: {targets: ['(', '*', '[']}",
    "targets-everything": "adapter: {targets: ['']}",
    "targets-unknown": "adapter: {targets: [no_such_layer]}",
    "networks-unknown": "adapter: {networks: {nowhere: {rank: 2}}}",
    "full-adapter": "adapter: {kind: full}",
    "overrule-unknown": "data: {folder: CLIPS, overrule: [nowhere.wav]}",
    "metadata-file-up": "data: {folder: /tmp, layout: metadata, metadata_file: ../../etc/passwd}",
    "workers-none": "data: {folder: CLIPS, workers: 0}",
    "workers-negative": "data: {folder: CLIPS, workers: -2}",
    "workers-word": "data: {folder: CLIPS, workers: many}",
    "workers-part": "data: {folder: CLIPS, workers: 1.5}",
    "workers-huge": "data: {folder: CLIPS, workers: 99999999999}",
    "workers-list": "data: {folder: CLIPS, workers: [2]}",
    "replay-missing": "data: {folder: /tmp, replay: /nowhere}",
    "betas": "train: {updates: 1, betas: [1.5, -3]}",
    "betas-three": "train: {updates: 1, betas: [0.1, 0.2, 0.3]}",
    "ema": "train: {updates: 1, use_weights: ema}",
    "limits-crossed": "checks: {min_seconds: 100, max_seconds: 1}",
    "rates-crossed": "checks: {min_sample_rate: 100000, max_sample_rate: 8000}",
}
"""Single lines of a recipe that are well-formed."""
