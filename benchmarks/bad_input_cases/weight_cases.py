"""Bad adapters: torn tensors, wrong shapes, numbers that are none, and pickles that would run code."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from bad_input_cases.case import Case, Command, doorway, tunesmith
from bad_input_cases.damage import DAMAGES, MORE
from bad_input_cases.finished import FAMILIES, Finished

WEIGHTS = "adapter_model.safetensors"
Change = Callable[[Path], None]
Tensors = dict[str, np.ndarray]


class Attack:
    """A pickle of it leaves a file when it is loaded by something that runs code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch .executed",)


def cases(finished: Finished) -> Iterator[Case]:
    """Every change to the adapter of every family's run, read by each command that reads one."""
    for family in FAMILIES:
        for number, (name, change) in enumerate(CHANGES.items()):
            for turn, command in enumerate(_readers(family)):
                place = "runs/r/checkpoints" if "--resume" in command.words else "runs/r/best_model"
                place = "other" if "--lora" in command.words else place
                prepare = _prepared(finished, family, place, change)
                if (number + turn) % 2 == 0 or "--lora" in command.words:
                    yield Case(f"adapter, {family}", f"adapter-{family}-{name}-{turn}", prepare, (command,))
        for name, change in PICKLES.items():
            command = tunesmith("train", "r", "--resume", MORE[family], expected="any")
            prepare = _prepared(finished, family, "runs/r/checkpoints", change)
            yield Case(f"checkpoint, {family}", f"checkpoint-{family}-{name}", prepare, (command,))
        for other in FAMILIES:
            if other != family:
                lora = str(finished.run(other) / "runs" / "r" / "best_model")
                command = tunesmith("generate", "r", "--force", "--lora", lora)
                prepare = _prepared(finished, family, "other", lambda folder: None)
                yield Case(f"adapter, {family}", f"adapter-{family}-of-{other}", prepare, (command,))
    for name, change in CHANGES.items():
        words = ("--base_model_path", "pocket", "--lora_model_path", "other", "--prompts", "beat", "--duration", "1")
        command = doorway("musicgen/inference_lora.py", *words, "--output_dir", "o", expected="any")
        prepare = _prepared(finished, "musicgen", "other", change)
        yield Case("adapter, doorway", f"adapter-doorway-{name}", prepare, (command,))


def _readers(family: str) -> tuple[Command, ...]:
    return (
        tunesmith("generate", "r", "--force", expected="any"),
        tunesmith("export", "r", "--merged", expected="any"),
        tunesmith("train", "r", "--resume", MORE[family], expected="any"),
        tunesmith("generate", "r", "--force", "--lora", "other:0.5", expected="any"),
    )


def _prepared(finished: Finished, family: str, place: str, change: Change) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        run = folder / "runs" / "r"
        shutil.copytree(finished.run(family) / "runs" / "r", run)
        if place == "other":
            shutil.copytree(run / "best_model", folder / "other")
        targets = sorted((folder / place).iterdir()) if place.endswith("checkpoints") else [folder / place]
        for target in targets:
            change(target)

    return prepare


def _tensors(change: Callable[[Tensors], Tensors]) -> Change:
    def apply(folder: Path) -> None:
        for file in folder.rglob(WEIGHTS):
            save_file(change(load_file(file)), file)

    return apply


def _config(**changes: object) -> Change:
    def apply(folder: Path) -> None:
        for file in folder.rglob("adapter_config.json"):
            file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return apply


def _damaged(damage: Change) -> Change:
    def apply(folder: Path) -> None:
        for file in list(folder.rglob(WEIGHTS)):
            damage(file)

    return apply


def _header(length: int) -> Change:
    def apply(folder: Path) -> None:
        for file in folder.rglob(WEIGHTS):
            file.write_bytes(length.to_bytes(8, "little") + b"{" + bytes(200))

    return apply


def _pickled(name: str, payload: bytes) -> Change:
    def apply(folder: Path) -> None:
        (folder / name).write_bytes(payload)

    return apply


def _instead(name: str) -> Change:
    def apply(folder: Path) -> None:
        for file in list(folder.rglob(WEIGHTS)):
            file.unlink()
            file.with_name(name).write_bytes(pickle.dumps(Attack()))

    return apply


def _saved_by_torch(name: str, *, attack: bool) -> Change:
    def apply(folder: Path) -> None:
        import torch

        torch.save({"state": Attack()} if attack else {"a": torch.zeros(3), "param_groups": "x"}, folder / name)

    return apply


CHANGES: dict[str, Change] = {
    **{damage.__name__: _damaged(damage) for damage in DAMAGES},
    "nan": _tensors(lambda tensors: {name: np.full_like(value, np.nan) for name, value in tensors.items()}),
    "infinite": _tensors(lambda tensors: {name: np.full_like(value, np.inf) for name, value in tensors.items()}),
    "huge": _tensors(lambda tensors: {name: np.full_like(value, 1e30) for name, value in tensors.items()}),
    "other-shapes": _tensors(lambda tensors: {name: value[..., :-1].copy() for name, value in tensors.items()}),
    "flat": _tensors(lambda tensors: {name: value.reshape(-1) for name, value in tensors.items()}),
    "other-type": _tensors(lambda tensors: {name: value.astype(np.int64) for name, value in tensors.items()}),
    "other-names": _tensors(lambda tensors: {f"x.{name}": value for name, value in tensors.items()}),
    "one-less": _tensors(lambda tensors: dict(list(tensors.items())[1:])),
    "one-more": _tensors(lambda tensors: tensors | {"more": np.zeros(3, np.float32)}),
    "none": _tensors(lambda tensors: {}),
    "header-huge": _header(2**62),
    "header-short": _header(3),
    "config-rank": _config(r=7),
    "config-rank-text": _config(r="many"),
    "config-rank-huge": _config(r=10**9),
    "config-alpha": _config(lora_alpha=float("nan")),
    "config-targets": _config(target_modules=["nowhere"]),
    "config-targets-number": _config(target_modules=5),
    "config-type": _config(peft_type="NOWHERE"),
    "config-code": _config(auto_mapping={"base_model_class": "os.system", "parent_library": "os"}),
    "config-more": _config(no_such_key=[1]),
    "config-base": _config(base_model_name_or_path="facebook/musicgen-large"),
    "pickle-bin": _instead("adapter_model.bin"),
    "pickle-named-safetensors": _instead(WEIGHTS),
}
"""Changes to a folder that holds an adapter, or several in folders."""
PICKLES: dict[str, Change] = {
    "optimizer-attack": _saved_by_torch("optimizer.pt", attack=True),
    "optimizer-other": _saved_by_torch("optimizer.pt", attack=False),
    "optimizer-plain-pickle": _pickled("optimizer.pt", pickle.dumps(Attack())),
    "optimizer-bomb": _pickled("optimizer.pt", b"\x80\x04" + b"]" * 100_000),
    "state-deep": _pickled("state.json", b"[" * 100_000),
    "state-huge-number": _pickled("state.json", b'{"update": ' + b"9" * 5000 + b"}"),
    "state-negative": _pickled("state.json", b'{"format": 1, "update": -5}'),
    "state-text": _pickled("state.json", b'{"format": "x", "update": "y"}'),
    "ema-empty": _pickled("ema.safetensors", b""),
    "ema-object": _pickled("ema.safetensors", b"{}"),
}
"""Changes to every checkpoint of a run."""
