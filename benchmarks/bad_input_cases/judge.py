"""What counts as a failure of a command that met something bad."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from bad_input_cases.case import Command
from bad_input_cases.execute import Outcome

EXIT_CODES = {0, 1, 2}
RESULTS = {
    "recipe.yaml": "new",
    "report.html": "report",
    "generated.json": "generate",
    "comparison_results.json": "evaluate",
    "adapter_model.safetensors": "export",
    "metadata.json": "prepare_data.py",
    "dataset_info.json": "convert2hf_dataset.py",
}
"""Names of results, which later commands read, and the stage or verb that makes each."""
JOURNALS = {
    ".written.jsonl",
    ".metadata.written.jsonl",
    ".facts.jsonl",
    ".facts.npz",
    ".facts.spoken.jsonl",
    ".plans.jsonl",
    ".transcripts.jsonl",
}
"""What a folder that is filled file by file keeps, so that the same command goes on."""
PYTHON = re.compile(
    r"object has no attribute|NoneType|KeyError|TypeError|IndexError|not subscriptable|unexpected keyword"
    r"|<class '|not supported between instances|errno|validation errors? for"
)
LIBRARIES = re.compile(r"\[src/libmpg123|site-packages/\S+Warning|UserWarning:|FutureWarning:|warnings\.warn")


@dataclass(frozen=True)
class Stamp:
    """A file as it was: what shows that it was written since, and its content's digest where results are kept."""

    written: tuple[int, int, int]
    digest: str = ""


Tree = dict[str, Stamp]


def look(folder: Path) -> Tree:
    """Every file and link below ``folder`` by its relative path."""
    tree: Tree = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or path.is_file():
            facts = path.lstat()
            is_adapter = path.name == "adapter_model.safetensors" and path.parent.name in ("best_model", "final_model")
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if is_adapter else ""
            tree[path.relative_to(folder).as_posix()] = Stamp((facts.st_mtime_ns, facts.st_size, facts.st_ino), digest)
    return tree


def faults(command: Command, outcome: Outcome, folder: Path, before: Tree) -> list[str]:
    """What is wrong with how ``command`` ended; empty where it behaved."""
    after = look(folder)
    known = {stamp.written for stamp in before.values()}  # a file that was only moved is as it was
    fresh = [name for name, stamp in after.items() if stamp.written not in known]
    found = [*_ending(command, outcome), *_words(outcome)]
    found += [f"leftover: {name}" for name in fresh if _is_leftover(name)]
    found += [f"torn: {name} ({reason})" for name in fresh if (reason := _torn(folder / name, folder))]
    if outcome.code:
        found += [f"half-written: {name}" for name in fresh if _is_unfinished_result(name, folder, command)]
    if "--resume" not in command.words and not any(word.startswith("--out") for word in command.words):
        found += _lost(before, after)
    return found


def _ending(command: Command, outcome: Outcome) -> list[str]:
    if outcome.ended:
        return [f"{outcome.ended}: ended after {outcome.seconds:.0f} s"]
    if outcome.code < 0:
        return [f"crash: signal {-outcome.code}"]
    found = []
    if outcome.code not in EXIT_CODES:
        found.append(f"exit code {outcome.code}")
    said = outcome.out + outcome.err
    if outcome.code and not re.search(r"(?im)error: |^usage: |exit code 1: ", said):
        found.append("silent failure")
    if command.expected == "refused" and outcome.code == 0:
        found.append("accepted without a word")
    if command.expected == "accepted" and outcome.code:
        found.append("refused what is good")
    return found


def _words(outcome: Outcome) -> list[str]:
    said = outcome.out + outcome.err
    found = []
    if "Traceback (most recent call last)" in said:
        found.append("traceback")
    if "something unforeseen" in said:
        found.append("unforeseen")
    errors = "\n".join(line for line in said.splitlines() if "error" in line.lower())
    if match := PYTHON.search(errors):
        found.append(f"words of Python: {match[0]}")
    if match := LIBRARIES.search(said):
        found.append(f"lines of a library: {match[0]}")
    return found


def _is_leftover(name: str) -> bool:
    """A hidden file or folder, as atomic writes make beside their target."""
    hidden = [part for part in Path(name).parts if part.startswith(".")]
    return any(not part.endswith(".lock") and part not in JOURNALS for part in hidden)


def _torn(path: Path, folder: Path) -> str:
    """Why a file that the command wrote cannot be read, if so; a copy of what was broken before is as it should be."""
    reader = _READERS.get(path.suffix)
    if reader is None or path.is_symlink() or path.name in JOURNALS:  # a line of a journal may end anywhere
        return ""
    try:
        reader(path)
    except Exception as error:
        copied = any(
            other != path and other.is_file() and other.read_bytes() == path.read_bytes()
            for other in folder.rglob(f"*{path.suffix}")
        )
        return "" if copied else f"{type(error).__name__}: {error}"[:120]
    return ""


def _read_json_lines(path: Path) -> None:
    for line in path.read_text("utf-8-sig").split("\n"):
        if line.strip():
            json.loads(line)


def _read_tensors(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        list(file.keys())


def _read_audio(path: Path) -> None:
    import soundfile

    if soundfile.info(os.fsencode(path)).frames == 0:
        raise ValueError("no frames")


_READERS: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text("utf-8")),
    ".jsonl": _read_json_lines,
    ".yaml": lambda path: yaml.safe_load(path.read_text("utf-8")),
    ".safetensors": _read_tensors,
    ".wav": _read_audio,
    ".flac": _read_audio,
}


def _is_unfinished_result(name: str, folder: Path, command: Command) -> bool:
    """A result that a failed command wrote, unless its stage was finished before something else failed."""
    path = folder / name
    stage = RESULTS.get(path.name)
    if stage is None or "trained_on" in path.parts:
        return False
    if stage == "export" and stage not in path.parts:
        return False  # training hands on whole adapters as it goes, and keeps them whatever comes after
    if stage == "new" and stage not in command.words:
        return False  # a run keeps the recipe that it was asked to follow, whatever comes of it
    for parent in path.parents:
        state = parent / "stages" / f"{stage}.json"
        if state.is_file() and '"status": "done"' in state.read_text("utf-8", "replace"):
            return False
        if parent == folder:
            break
    return True


def _lost(before: Tree, after: Tree) -> list[str]:
    """Adapters that were there before, whole, and are nowhere now."""
    kept = {stamp.digest for stamp in after.values()}
    return [f"lost: {name}" for name, stamp in before.items() if stamp.digest and stamp.digest not in kept]
