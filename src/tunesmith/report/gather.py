"""What the run folder holds, read once: every part of it may be missing, and damaged files are listed as problems."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tunesmith.errors import TunesmithError
from tunesmith.records.comparison import Comparison
from tunesmith.records.environment import Environment
from tunesmith.records.findings import CheckFindings
from tunesmith.records.generated import GeneratedFiles
from tunesmith.records.listening_result import ListeningResult
from tunesmith.records.plan import RunPlan
from tunesmith.records.record import Record
from tunesmith.records.stage_state import StageState
from tunesmith.report.run_metrics import RunMetrics, read_run_metrics
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.texts import Message, msg

RecipeSection = dict[str, Any]
"""A section of the recipe as its file has it."""
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class ReportData:
    """Everything the report draws on.

    Attributes:
        folder: The run folder.
        target: What a user types to name this run on the command line.
        recipe: The resolved recipe (or the user's own where that is all there is).
        recipe_text: The same as YAML text; empty when there is none.
        environment: Versions, platform, base model; ``None`` where no stage has begun.
        findings: What the checks found; ``None`` before they ran.
        plan: What the run was expected to take; ``None`` where nobody asked.
        stages: State of each stage that was begun, by name.
        metrics: The lines of ``metrics.jsonl``.
        comparison: ``comparison_results.json``; ``None`` before the evaluation.
        comparison_folder: The folder its file names are relative to.
        generated: What the generate stage made; ``None`` before it ran.
        listening: What people preferred in a listening test; ``None`` before anybody voted.
        problems: Sentences about files that could not be read.
        unfinished: Stages that were begun and are not done; what there is of them is of the round before.
    """

    folder: RunFolder
    target: str
    recipe: RecipeSection = field(default_factory=dict)
    recipe_text: str = ""
    environment: Environment | None = None
    findings: CheckFindings | None = None
    plan: RunPlan | None = None
    stages: dict[str, StageState] = field(default_factory=dict)
    metrics: RunMetrics = field(default_factory=RunMetrics)
    comparison: Comparison | None = None
    comparison_folder: Path = Path()
    generated: GeneratedFiles | None = None
    listening: ListeningResult | None = None
    problems: tuple[Message, ...] = ()
    unfinished: tuple[str, ...] = ()

    def name(self) -> str:
        """The run's name."""
        return str(self.recipe.get("name") or Path(os.path.abspath(self.folder.path)).name)

    def inside(self, name: Any, base: Path | None = None) -> Path | None:
        """The file ``name`` relative to ``base`` (the run folder by default); ``None`` when it lies outside the run.

        A report must not carry files that its run does not own, whatever a JSON file says.
        """
        return inside(self.folder.path, name, base or self.folder.path)


def inside(run: Path, name: Any, base: Path) -> Path | None:
    """The file ``name`` relative to ``base``; ``None`` when it lies outside of the run folder."""
    if not isinstance(name, str) or not name or "\0" in name or not _encodable(name):
        return None
    path, root = Path(os.path.abspath(base / name)), Path(os.path.abspath(run))
    return path if path.is_relative_to(root) else None


def _encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def gather(folder: RunFolder) -> ReportData:
    """Read the run folder.

    Raises:
        TunesmithError: when the folder itself is missing.
    """
    if not folder.path.is_dir():
        raise TunesmithError(msg("there is no such run folder"), where=str(folder.path), remedy=msg("Check the path."))
    problems: list[Message] = []
    recipe, recipe_text = _recipe(folder, problems)
    comparison = folder.comparison
    states = {name: _read(StageState, folder.stage(name), problems) for name in STAGES}
    unfinished = [name for name, state in states.items() if state and state.status == "running" and name != "report"]
    if comparison.exists() is False:
        unfinished = [name for name in unfinished if name != "train"]  # how far it is stands in its place
    return ReportData(
        folder=folder,
        target=_target(folder.path),
        recipe=recipe,
        recipe_text=recipe_text,
        environment=_read(Environment, folder.environment, problems),
        findings=_read(CheckFindings, folder.findings, problems),
        plan=_read(RunPlan, folder.plan, problems),
        stages={name: state for name, state in states.items() if state is not None},
        metrics=read_run_metrics(folder.metrics, problems),
        comparison=_read(Comparison, comparison, problems),
        comparison_folder=comparison.parent,
        generated=_read(GeneratedFiles, folder.generated / "generated.json", problems),
        listening=_read(ListeningResult, folder.listening, problems),
        problems=tuple(problems),
        unfinished=tuple(unfinished),
    )


def part(record: Any, name: str) -> RecipeSection:
    """The section under ``name``; empty where there is none."""
    value = record.get(name) if isinstance(record, Mapping) else None
    return value if isinstance(value, dict) else {}


def _target(path: Path) -> str:
    absolute = Path(os.path.abspath(path))
    return shlex.quote(absolute.name if absolute.parent.name == "runs" else str(path))


def _read(kind: type[R], path: Path, problems: list[Message]) -> R | None:
    if not path.exists():
        return None
    try:
        return kind.read(path)
    except TunesmithError as error:
        problems.append(error.message)
    except RecursionError as error:
        problems.append(Message.fixed(str(error)))
    return None


def _recipe(folder: RunFolder, problems: list[Message]) -> tuple[RecipeSection, str]:
    import yaml

    for path in (folder.resolved, folder.recipe):
        if not path.exists():
            continue
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            value = yaml.safe_load(text)
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
            reason = str(error).splitlines()[0] if str(error) else msg("cannot be read")
            problems.append(msg("{where}: {said}", where=str(path), said=reason))
            continue
        return (value if isinstance(value, dict) else {}), text
    return {}, ""
