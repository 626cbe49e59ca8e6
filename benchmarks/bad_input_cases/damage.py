"""Damaged results: every file of a finished run, of a doorway's folder and of a base model, broken in every way."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input_cases.case import Case, Command, doorway, tunesmith
from bad_input_cases.finished import FAMILIES, MORE, PRESETS, Finished

Damage = Callable[[Path], None]
RUN = "r"


def truncated(path: Path) -> None:
    """The first half of it."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def emptied(path: Path) -> None:
    """No bytes."""
    path.write_bytes(b"")


def an_object(path: Path) -> None:
    """An empty JSON object."""
    path.write_text("{}\n")


def a_list(path: Path) -> None:
    """An empty JSON list."""
    path.write_text("[]\n")


def binary(path: Path) -> None:
    """Bytes that are no text and no format."""
    path.write_bytes(random.Random(path.name).randbytes(max(64, min(path.stat().st_size, 100_000))))


def flipped(path: Path) -> None:
    """One byte in the middle is another one."""
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 0x5A
    path.write_bytes(content)


def deleted(path: Path) -> None:
    """Gone."""
    path.unlink()


def a_folder(path: Path) -> None:
    """A folder of that name."""
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Damage, ...] = (truncated, emptied, an_object, a_list, binary, flipped, deleted, a_folder)

READERS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("recipe.yaml", (("info",), ("check",), ("train",), ("report",), ("plan",))),
    ("data/", (("train", "--resume", "MORE"), ("encode",), ("run",), ("report", "--force"), ("check",))),
    ("cache/", (("train", "--resume", "MORE"), ("evaluate", "--force"), ("encode",))),
    ("stages/", (("run",), ("info",), ("report", "--force"), ("train",))),
    ("checkpoints/", (("train", "--resume", "MORE"), ("info",), ("export",))),
    ("best_model/", (("generate", "--force"), ("evaluate", "--force"), ("export",), ("report", "--force"), ("train",))),
    ("final_model/", (("export", "--which", "final"), ("train", "--resume", "MORE"), ("report", "--force"))),
    ("generated/", (("report", "--force"), ("generate",), ("evaluate",))),
    ("evaluation/", (("report", "--force"), ("evaluate",))),
    ("listen", (("listen",), ("report", "--force"), ("info",))),
    ("runs_compared", (("compare", "--checkpoints"), ("info",), ("report", "--force"))),
    ("metrics.jsonl", (("report", "--force"), ("train", "--resume", "MORE"), ("info",))),
    ("plan.json", (("report", "--force"), ("plan",))),
    ("trained_on/", (("train", "MORE"), ("report", "--force"), ("generate", "--force"), ("info",))),
    ("", (("report", "--force"), ("run",), ("info",), ("train", "--fresh"))),
)
"""Which commands read a file, by the beginning of its name in the run folder."""


def cases(finished: Finished) -> Iterator[Case]:
    """A case for every file, damage and one of the commands that read it, in turn."""
    for family in FAMILIES:
        yield from _damaged_runs(finished, family)
        yield from _damaged_doorways(finished, family)
        yield from _damaged_models(finished, family)


def representatives(folder: Path) -> list[str]:
    """Relative names of a folder's files; of audio and pictures that are alike, one of each folder."""
    chosen: dict[tuple[str, str], str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            alike = path.suffix in (".wav", ".flac", ".mp3", ".png")
            chosen.setdefault((path.parent.as_posix(), path.suffix if alike else path.name), name)
    return sorted(chosen.values())


def _damaged_runs(finished: Finished, family: str) -> Iterator[Case]:
    source = finished.run(family) / "runs" / RUN
    turn = 0
    for name in representatives(source):
        readers = next(commands for prefix, commands in READERS if name.startswith(prefix))
        for damage in DAMAGES:
            words = readers[turn % len(readers)]
            turn += 1
            command = _on_run(words, MORE[family])
            case_name = f"run-{family}-{name}-{damage.__name__}-{words[0]}"
            yield Case(
                f"damaged run, {family}", case_name, _broken_copy(source, f"runs/{RUN}", name, damage), (command,)
            )


def _on_run(words: tuple[str, ...], more: str) -> Command:
    verb, *rest = (more if word == "MORE" else word for word in words)
    return tunesmith(verb, RUN, *rest, expected="any")


def _broken_copy(source: Path, place: str, name: str, damage: Damage) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        target = folder / place
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        damage(target / name)

    return prepare


DOORWAYS: dict[str, tuple[Command, ...]] = {
    "musicgen": (
        doorway("musicgen/train_lora.py", "--num_epochs", "1", "--target_duration", "1", "--resume", expected="any"),
        doorway("musicgen/inference_lora.py", "--prompts", "beat", "--duration", "1", expected="any"),
        doorway("musicgen/evaluate.py", "--duration", "1", "--test_prompts", "beat", expected="any"),
        doorway("musicgen/train_lora.py", "--num_epochs", "1", "--target_duration", "1", expected="any"),
    ),
    "ace_step": (
        doorway("ace_step/trainer.py", "--resume", "auto", "--max_steps", "2", expected="any"),
        doorway("ace_step/trainer.py", "--resume", "auto", expected="any"),
        doorway("ace_step/convert2hf_dataset.py", expected="any"),
    ),
    "step_audio": (
        doorway("step_audio_editx/finetune_demo.py", "--resume", expected="any"),
        doorway("step_audio_editx/finetune_demo.py", "--test", expected="any"),
        doorway("step_audio_editx/finetune_demo.py", expected="any"),
    ),
}
_RUN_FILES = ("cache/", "stages/", "data/", "trained_on/", "evaluation/", "tensorboard/", "previews/")


def _damaged_doorways(finished: Finished, family: str) -> Iterator[Case]:
    """The files of a doorway's folder, except those of the run inside that are damaged in native runs already."""
    source = finished.doorway(family)
    turn = 0
    for name in representatives(source):
        if any(f"/{part}" in name for part in _RUN_FILES) or name.endswith((".py", ".md", "requirements.txt")):
            continue
        for damage in DAMAGES:
            command = DOORWAYS[family][turn % len(DOORWAYS[family])]
            turn += 1
            case_name = f"doorway-{family}-{name}-{damage.__name__}-{Path(command.words[0]).stem}"
            yield Case(f"damaged doorway, {family}", case_name, _broken_copy(source, ".", name, damage), (command,))


def _damaged_models(finished: Finished, family: str) -> Iterator[Case]:
    from tunesmith.pocket.shipped import pocket_path

    source = finished.swift if family == "ace_step" else pocket_path(family)
    for name in representatives(source):
        for damage in DAMAGES:
            commands = (
                tunesmith(
                    *("new", "a", "--from", str(finished.data(family)), "--model", "./model"),
                    *("--preset", PRESETS[family]),
                    expected="any",
                ),
                tunesmith("encode", "a", "model.path=./model", expected="any"),
                tunesmith("train", "a", "model.path=./model", "previews.every=0", *_SHORT[family], expected="any"),
            )
            case_name = f"model-{family}-{name}-{damage.__name__}"
            yield Case(
                f"damaged base model, {family}", case_name, _broken_copy(source, "model", name, damage), commands
            )


_SHORT = {
    "musicgen": ("train.updates=1",),
    "ace_step": ("train.updates=1", "data.max_seconds=2", "data.min_crop_seconds=2"),
    "step_audio": ("train.stages.llm.updates=1", "train.stages.flow.updates=1", "train.stages.joint.updates=0"),
}
