"""Which outputs of which runs can be heard against each other: same prompt, same seed, a file on every side."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from tunesmith.data.content import file_digest
from tunesmith.errors import TunesmithError
from tunesmith.records.comparison import ComparedPrompt, Comparison
from tunesmith.records.listening_key import ListeningSystem
from tunesmith.records.record import Number
from tunesmith.report.gather import inside
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg

BASE, ADAPTER = "base", "adapter"
Asked = tuple[str, int, str | None, str | None, Number]
"""What makes two outputs comparable: prompt, seed, kind of edit, which one, and the seconds asked for."""


@dataclass(frozen=True)
class Contest:
    """What is heard against what.

    Attributes:
        systems: The systems, the base last.
        prompts: Those that every system has.
        files: An audio file for every prompt's number and system's name.
        same: Pairs of systems whose files of a prompt are the same to the last bit.
        left_out: What cannot be heard, and why.
    """

    systems: tuple[ListeningSystem, ...]
    prompts: tuple[ComparedPrompt, ...]
    files: Mapping[tuple[int, str], Path]
    same: frozenset[tuple[int, str, str]]
    left_out: tuple[Message, ...]


@dataclass
class _Evaluated:
    """A run's evaluation, as far as it can be heard."""

    name: str
    folder: RunFolder
    comparison: Comparison
    prompts: dict[Asked, ComparedPrompt] = field(default_factory=dict)

    def file(self, asked: Asked, side: str) -> Path | None:
        """Where one side's output of a prompt lies, if it does."""
        prompt = self.prompts.get(asked)
        output = None if prompt is None else prompt.base if side == BASE else prompt.lora
        path = inside(self.folder.path, output.file, self.folder.comparison.parent) if output else None
        return path if path is not None and path.is_file() and path.stat().st_size else None


def contest(runs: Sequence[RunFolder], most: int | None = None) -> Contest:
    """Read the evaluations of one run or several.

    Args:
        runs: Base against adapter of one; the adapters of several against each other and the base.
        most: Most prompts; by default as many as keep the test short. Those in the base's own style come last.

    Raises:
        TunesmithError: when a run has no evaluation, or nothing of it can be heard.
    """
    names = run_names(runs)
    found = [_evaluated(name, folder) for name, folder in zip(names, runs, strict=True)]
    left_out: list[Message] = []
    sides = _sides(found, left_out)
    common = _common(found, sides, left_out)
    kinds = {asked: found[0].prompts[asked].kind == "base_style" for asked in common}
    chosen = sorted(common, key=lambda asked: kinds[asked])[: most or default_prompts(len(sides))]
    if len(chosen) < len(common):
        left_out.append(
            msg("{count} further prompts, to keep the test short (--prompts)", count=len(common) - len(chosen))
        )
    files = {
        (number, system.name): path
        for number, asked in enumerate(chosen)
        for system, one in sides
        if (path := one.file(asked, system.side)) is not None
    }
    systems = tuple(system for system, _ in sides)
    prompts = tuple(found[0].prompts[asked] for asked in chosen)
    return Contest(systems, prompts, files, _same(systems, prompts, files, left_out), tuple(left_out))


def default_prompts(systems: int) -> int:
    """As many prompts as make about forty pairs, which a person hears in a quarter of an hour; two at least."""
    return max(40 // (systems * (systems - 1) // 2), 2)


def run_names(runs: Sequence[RunFolder]) -> list[str]:
    """What the runs are called: by their folders, where those have the same name by the whole path.

    Raises:
        TunesmithError: when a run is named twice.
    """
    paths = [Path(os.path.realpath(run.path)) for run in runs]
    for path in paths:
        if paths.count(path) > 1:
            raise TunesmithError(msg("this run is named twice"), where=str(path), remedy=msg("Name each run once."))
    plain = [path.name for path in paths]
    return [path.name if plain.count(path.name) == 1 and path.name != BASE else str(path) for path in paths]


def _evaluated(name: str, folder: RunFolder) -> _Evaluated:
    record = folder.comparison
    if not record.exists():
        raise TunesmithError(
            msg("this run has not been evaluated, so there is nothing to hear"),
            where=str(folder.path),
            remedy=msg("Run `tunesmith evaluate {run}` first.", run=str(folder.path)),
        )
    comparison = Comparison.read(record)
    seconds = comparison.settings.seconds
    asked = {(p.prompt, p.seed, p.edit_type, p.edit_info, seconds): p for p in comparison.prompts}
    return _Evaluated(name, folder, comparison, asked)


def _sides(found: Sequence[_Evaluated], left_out: list[Message]) -> list[tuple[ListeningSystem, _Evaluated]]:
    """The systems and the evaluation that each is heard from; a base of its own only where it is the same for all."""
    several = len(found) > 1
    sides = []
    for one in found:
        title = Message.fixed(one.name) if several else msg("the adapter")
        name = one.name if several else ADAPTER
        sides.append((ListeningSystem(name=name, title=title, run=str(one.folder.path), side="adapter"), one))
    bases = {(Path(one.comparison.settings.base).name, one.comparison.settings.guidance) for one in found}
    with_base = next((one for one in found if any(prompt.base for prompt in one.comparison.prompts)), None)
    if with_base is None and not several:
        raise TunesmithError(
            msg("the base model was not run, so there is nothing to hear the adapter against"),
            where=str(found[0].folder.evaluation),
            remedy=msg("Run `tunesmith evaluate {run} --compare`.", run=str(found[0].folder.path)),
        )
    if len(bases) > 1:
        left_out.append(msg("the base, since these runs have different ones, or another guidance"))
    elif with_base is None:
        left_out.append(msg("the base, since no run has its outputs"))
    else:
        system = ListeningSystem(name=BASE, title=msg("the base model"), run=str(with_base.folder.path), side="base")
        sides.append((system, with_base))
    return sides


def _common(
    found: Sequence[_Evaluated], sides: Sequence[tuple[ListeningSystem, _Evaluated]], left_out: list[Message]
) -> list[Asked]:
    """What every system was asked for and has made, in the order of the first run."""
    common, missing = [], 0
    for asked in dict.fromkeys(asked for one in found for asked in one.prompts):
        lacking = [one.name for one in found if asked not in one.prompts]
        gone = [system.title for system, one in sides if asked in one.prompts and one.file(asked, system.side) is None]
        shown = msg("`{prompt}` (seed {seed})", prompt=_short(asked[0]), seed=asked[1])
        if lacking:
            left_out.append(msg("{prompt}, which {runs} did not have", prompt=shown, runs=tuple(lacking)))
        elif gone:
            missing += 1
            left_out.append(msg("{prompt}, whose output is missing for {systems}", prompt=shown, systems=tuple(gone)))
        else:
            common.append(asked)
    if not common and missing:
        raise TunesmithError(
            msg("the outputs of {count} prompts are missing, and no other can be heard", count=missing),
            where=str(found[0].folder.evaluation),
            remedy=msg("Run `tunesmith evaluate {run}` again.", run=str(found[0].folder.path)),
        )
    if not common:
        raise TunesmithError(
            msg("there is no prompt with an output of every system"),
            where=str(found[0].folder.evaluation),
            remedy=msg("Evaluate the runs with the same prompts, seed and seconds."),
        )
    return common


def _same(
    systems: Sequence[ListeningSystem],
    prompts: Sequence[ComparedPrompt],
    files: Mapping[tuple[int, str], Path],
    left_out: list[Message],
) -> frozenset[tuple[int, str, str]]:
    """Pairs that nobody can tell apart, since their files are the same."""
    digests = {place: file_digest(path) for place, path in files.items()}
    same = set()
    for first, second in combinations(systems, 2):
        numbers = [n for n in range(len(prompts)) if digests[n, first.name] == digests[n, second.name]]
        same |= {(number, first.name, second.name) for number in numbers}
        if len(numbers) == len(prompts) and len(systems) == 2:
            raise TunesmithError(
                msg("all outputs of {first} and {second} are the same", first=first.title, second=second.title),
                where=first.run,
                remedy=msg("There is nothing to choose between: the adapter has no effect."),
            )
        if numbers:
            left_out.append(
                msg(
                    "{count} pairs of {first} and {second}, whose files are the same",
                    count=len(numbers),
                    first=first.title,
                    second=second.title,
                )
            )
    return frozenset(same)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
