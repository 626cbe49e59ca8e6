"""What the run folder holds, read once and without trust: every part may be missing, cut short or strange."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.run.folder import STAGES, RunFolder

Record = dict[str, Any]


@dataclass(frozen=True)
class ReportData:
    """Everything the report draws on.

    Attributes:
        folder: The run folder.
        target: What a user types to name this run on the command line.
        recipe: The resolved recipe (or the user's own where that is all there is).
        recipe_text: The same as YAML text; empty when there is none.
        environment: Versions, device, base model.
        findings: What the checks found; ``None`` before they ran.
        plan: What the run was expected to take.
        stages: State of each finished stage, by name.
        metrics: Lines of ``metrics.jsonl`` by kind; of a repeated update the last line counts (a resumed run
            measures some updates twice).
        comparison: ``comparison_results.json``; ``None`` before the evaluation.
        comparison_folder: The folder its file names are relative to.
        problems: Sentences about files that could not be read.
    """

    folder: RunFolder
    target: str
    recipe: Record = field(default_factory=dict)
    recipe_text: str = ""
    environment: Record = field(default_factory=dict)
    findings: Record | None = None
    plan: Record = field(default_factory=dict)
    stages: dict[str, Record] = field(default_factory=dict)
    metrics: dict[str, list[Record]] = field(default_factory=dict)
    comparison: Record | None = None
    comparison_folder: Path = Path()
    problems: tuple[str, ...] = ()

    def lines(self, kind: str) -> list[Record]:
        """Metric lines of one kind, by update."""
        return self.metrics.get(kind, [])

    def name(self) -> str:
        """The run's name."""
        return str(self.recipe.get("name") or Path(os.path.abspath(self.folder.path)).name)

    def inside(self, name: Any, base: Path | None = None) -> Path | None:
        """The file ``name`` relative to ``base`` (the run folder by default); ``None`` when it lies outside the run.

        A report must not carry files that its run does not own, whatever a JSON file says.
        """
        if not isinstance(name, str) or not name or "\0" in name or not _encodable(name):
            return None
        path = Path(os.path.abspath((base or self.folder.path) / name))
        root = Path(os.path.abspath(self.folder.path))
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
        raise TunesmithError("there is no such run folder", where=str(folder.path), remedy="Check the path.")
    problems: list[str] = []
    recipe, recipe_text = _recipe(folder, problems)
    beside = folder.path / "comparison_results.json"  # a folder that holds an evaluation and nothing else
    comparison = folder.evaluation / "comparison_results.json"
    comparison = comparison if comparison.exists() or not beside.exists() else beside
    return ReportData(
        folder=folder,
        target=_target(folder.path),
        recipe=recipe,
        recipe_text=recipe_text,
        environment=_json(folder.environment, problems) or {},
        findings=_json(folder.findings, problems),
        plan=_json(folder.plan, problems) or {},
        stages={name: state for name in STAGES if (state := _json(folder.stage(name), problems)) is not None},
        metrics=_metrics(folder, problems),
        comparison=_json(comparison, problems),
        comparison_folder=comparison.parent,
        problems=tuple(problems),
    )


def records(value: Any) -> list[Record]:
    """The dictionaries of a list; anything else is no record."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def part(record: Any, name: str) -> Record:
    """The dictionary under ``name``; empty where there is none."""
    value = record.get(name) if isinstance(record, Mapping) else None
    return value if isinstance(value, dict) else {}


def deep(record: Any, *names: str) -> Any:
    """The first value under one of ``names`` anywhere in nested dictionaries, nearest to the top first."""
    level = [record]
    while level:
        for here in level:
            for name in names:
                if isinstance(here, Mapping) and here.get(name) not in (None, "", [], {}):
                    return here[name]
        level = [value for here in level if isinstance(here, Mapping) for value in here.values()]
    return None


def _target(path: Path) -> str:
    absolute = Path(os.path.abspath(path))
    return shlex.quote(absolute.name if absolute.parent.name == "runs" else str(path))


def _json(path: Path, problems: list[str]) -> Record | None:
    if not path.exists():
        return None
    try:
        value = read_json(path)
    except (TunesmithError, RecursionError) as error:
        problems.append(str(error))
        return None
    if not isinstance(value, dict):
        problems.append(f"{path}: not a JSON object")
        return None
    return value


def _recipe(folder: RunFolder, problems: list[str]) -> tuple[Record, str]:
    import yaml

    for path in (folder.resolved, folder.recipe):
        if not path.exists():
            continue
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            value = yaml.safe_load(text)
        except (OSError, yaml.YAMLError, RecursionError) as error:
            problems.append(f"{path}: {str(error).splitlines()[0] if str(error) else 'cannot be read'}")
            continue
        return (value if isinstance(value, dict) else {}), text
    return {}, ""


def _metrics(folder: RunFolder, problems: list[str]) -> dict[str, list[Record]]:
    kinds: dict[str, dict[Any, Record]] = {}
    try:
        for order, record in enumerate(folder.read_metrics()):
            kind, update = str(record.get("kind")), record.get("update")
            known = isinstance(update, (int, float)) and math.isfinite(update)
            record["update"] = update if known else 0
            kinds.setdefault(kind, {})[_key(kind, record, order)] = record
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        problems.append(f"{folder.metrics}: {error}")
    return {kind: sorted(lines.values(), key=lambda line: line["update"]) for kind, lines in kinds.items()}


def _key(kind: str, record: Record, order: int) -> Any:
    match kind:
        case "train" | "valid":
            return record["update"]
        case "preview":
            return record["update"], str(record.get("index"))
        case "gate":
            return str(record.get("name"))
    return order
