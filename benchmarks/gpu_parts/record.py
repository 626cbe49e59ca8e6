"""Which parts there are, what of them is done already, and what came out: a JSON and a table, after every step."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from gpu_parts import gradients, memory, resume, samplers, speed
from gpu_parts.bench import free
from gpu_parts.cases import Place
from gpu_parts.steps import Figures, Part, Step
from make_tables import rendered
from recording import commit, load, machine, measured, write_results
from tunesmith.files import write_text

PARTS: Mapping[str, Part] = {
    "losses": gradients.losses,
    "resume": resume.resume,
    "compile": gradients.compiled,
    "quantised": gradients.quantised,
    "memory": memory.memory,
    "speed": speed.speed,
    "samplers": samplers.samplers,
}
"""In the order of their importance."""
CORRECTNESS = ("losses", "resume", "compile", "quantised")
SAME_MACHINE = ("cpu", "accelerator", "torch")


@dataclass
class Results:
    """The figures of a run, kept in a folder.

    Attributes:
        folder: Where ``gpu.json`` and ``gpu.md`` are.
        arguments: Those that name the run in the JSON.
        parts: Figures by part and step.
    """

    folder: Path
    arguments: Sequence[str]
    parts: dict[str, dict[str, Figures]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        run = load(self.folder).get("gpu", {}).get(" ".join(self.arguments))
        here = machine()
        if run and all(run["machine"].get(key) == here.get(key) for key in SAME_MACHINE):
            self.parts = run["figures"]["parts"]

    def has(self, part: str, step: str) -> bool:
        """Whether a step has been done on this machine, and did not fail."""
        return "error" not in self.parts.get(part, {}).get(step, {"error": ""})

    def keep(self, part: str, step: str, figures: Figures) -> None:
        """Write a step's figures."""
        self.parts.setdefault(part, {})[step] = {**figures, "commit": commit()}
        self.folder.mkdir(parents=True, exist_ok=True)
        order = [name for name in PARTS if name in self.parts]
        measured(parts={name: self.parts[name] for name in order})
        write_results("gpu.py", self.arguments, self.folder)
        write_text(self.folder / "gpu.md", self.table())

    def table(self) -> str:
        """As Markdown."""
        return rendered("gpu", {"gpu": {"": {"figures": {"parts": self.parts}}}})


@dataclass(frozen=True)
class Budget:
    """Seconds that there are, from the beginning of the program on."""

    seconds: float
    begun: float

    @property
    def left(self) -> float:
        """Seconds."""
        return self.seconds - (time.monotonic() - self.begun)


def protected(step: Step, place: Place) -> Figures:
    """A step's figures; where it fails, what it failed with, so that the others are still done."""
    begun = time.monotonic()
    try:
        figures = step.run()
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        last = traceback.extract_tb(error.__traceback__)[-1]
        lines = str(error).strip().splitlines() or [""]
        figures = {"error": f"{type(error).__name__}: {lines[0]} ({Path(last.filename).name}:{last.lineno})"}
    free(place.device)
    return {**figures, "took_s": round(time.monotonic() - begun, 2)}


@dataclass(frozen=True)
class Wanted:
    """Which steps are done: those whose names are like one of ``patterns``; done ones only ``again``."""

    patterns: Sequence[str] = ("*",)
    again: bool = False


def do(part: str, place: Place, results: Results, budget: Budget, wanted: Wanted) -> list[str]:
    """Do what of a part is wanted and not done yet; returns the steps that there was no time for."""
    left_out = []
    for step in PARTS[part](place):
        if not any(fnmatchcase(step.name, pattern) for pattern in wanted.patterns):
            continue
        if results.has(part, step.name) and not wanted.again:
            print(f"{part}: {step.name}: done before", flush=True)
        elif not place.dry and budget.left < step.seconds:
            left_out.append(f"{part}: {step.name}")
        else:
            figures = protected(step, place)
            results.keep(part, step.name, figures)
            print(f"{part}: {step.name}: {said(figures)}", flush=True)
    return left_out


def said(figures: Figures) -> str:
    """A step's figures on one line."""
    if "error" in figures:
        return f"FAILED with {figures['error']}"
    within = {True: "within its limits", False: "NOT within its limits"}.get(figures.get("ok"), "measured")
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in figures.items() if _is_number(value))
    inner = "; ".join(
        f"{name}: loss {value['loss']:.2g}, gradient {value['gradient']:.2g}"
        for name, value in figures.items()
        if isinstance(value, Mapping) and "gradient" in value
    )
    return "; ".join(part for part in (within, inner, numbers) if part)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
