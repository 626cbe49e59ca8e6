"""What a row says of a run: its name, model, stages, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.records.comparison import Comparison
from tunesmith.records.environment import Environment
from tunesmith.records.metrics import EventLine, ValidLine
from tunesmith.records.stage_state import StageState
from tunesmith.records.writer import Writer
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.run.lock import WRITER, writer_of
from tunesmith.studio.reading.progress import StageProgress, read_progress
from tunesmith.studio.reading.tail import read_new
from tunesmith.texts import Message, msg

UNFINISHED = ("running", "lost", "failed", "stopped")
_WATCHED = (
    "recipe.yaml",
    "recipe.resolved.yaml",
    "environment.json",
    "evaluation/comparison_results.json",
    "plan.json",
)
"""Files of which a row tells, beside the states of the stages, the metrics and the comparison."""


@dataclass
class HeldOutLosses:
    """Held-out losses as far as they were read."""

    at: int = 0
    mark: str = ""
    last: int = 0
    best: dict[int, float] = field(default_factory=dict)

    def read_on(self, path: Path) -> None:
        """Take in the lines that were added."""
        more = True
        while more:
            chunk = read_new(path, self.at, self.mark)
            if chunk.restarted:
                self.last, self.best = 0, {}
            self.at, self.mark, more = chunk.at, chunk.mark, chunk.more
            for line in chunk.lines:
                self.last = line.update
                if isinstance(line, ValidLine) and line.loss is not None and line.best:
                    self.best[line.update] = line.loss
                elif isinstance(line, EventLine) and line.name == "vetoed" and line.about is not None:
                    self.best.pop(line.about, None)

    def lowest(self) -> tuple[int, float] | None:
        """The best update and its loss."""
        return min(self.best.items(), key=lambda pair: pair[1]) if self.best else None


@dataclass(frozen=True)
class RunFacts:
    """A run at one moment.

    Attributes:
        name: Its folder's name.
        family: Its family; empty where nothing says it.
        base: The base model as the recipe names it.
        stages: The state of each stage that was begun: ``done``, ``running``, ``lost`` where it says running and nobody
            works on it, or what else its file says.
        stage: The stage that is being done, or the last that was.
        share: How much of that is done, from 0 to 1.
        update: The last update of training.
        updates: Updates that are planned.
        first_number: The update of the first loss; ``None`` where nothing says it.
        best: The update of the best held-out loss, and that loss.
        verdict: What was learnt, in a sentence.
        progress: What the command says that writes into the run.
        writer: That command.
        problem: What is wrong with the folder.
        has_report: Whether there is a report.
        can_continue: Whether a stage was begun and not finished.
        changed: When anything of it changed, in seconds since 1970.
    """

    name: str
    family: str = ""
    base: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    stage: str = ""
    share: float | None = None
    update: int = 0
    updates: int | None = None
    first_number: int | None = None
    best: tuple[int, float] | None = None
    verdict: Message | None = None
    progress: StageProgress | None = None
    writer: Writer | None = None
    problem: Message | None = None
    has_report: bool = False
    can_continue: bool = False
    changed: float = 0.0


@dataclass
class _Kept:
    """What was read of a run, and of which state of its files."""

    seen: tuple[Any, ...] | None = None
    losses: HeldOutLosses = field(default_factory=HeldOutLosses)
    recipe: dict[str, Any] = field(default_factory=dict)
    states: dict[str, StageState] = field(default_factory=dict)
    family: str = ""
    verdict: Message | None = None
    problems: list[Message] = field(default_factory=list)


class RunShelf:
    """The runs of a folder; what has not changed since it was last read is not read again.

    Args:
        runs: The folder.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def names(self) -> list[str]:
        """The folders that are runs or should be."""
        try:
            return sorted(path.name for path in self.runs.iterdir() if path.is_dir() and path.name[:1] != ".")
        except OSError:
            return []

    def all(self) -> list[RunFacts]:
        """Every run, what changed last first."""
        return sorted((self.facts(name) for name in self.names()), key=lambda run: -run.changed)

    def facts(self, name: str) -> RunFacts:
        """One run; of a broken folder a row with a sentence."""
        try:
            with self._lock:
                return self._facts(RunFolder(self.runs / name))
        except TunesmithError as error:
            problem = error.message
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            problem = msg("this folder cannot be read ({reason})", reason=reason)
        return RunFacts(name, problem=problem)

    def _facts(self, folder: RunFolder) -> RunFacts:
        kept = self._kept.setdefault(folder.path.name, _Kept())
        seen = _seen(folder)
        if seen != kept.seen:
            _read(folder, kept)
            kept.seen = seen
        kept.losses.read_on(folder.metrics)
        writer = writer_of(folder.path) if (folder.path / WRITER).exists() else None
        progress = read_progress(folder.path) if writer else None
        stages = {
            name: "lost" if state.status == "running" and writer is None else str(state.status)
            for name, state in kept.states.items()
        }
        updates = _updates(kept)
        stage = progress.stage if progress else _stage(stages)
        trained = kept.states.get("train")
        summary = trained.training() if trained else None
        best = (summary.best_update, summary.best_loss) if summary else kept.losses.lowest()
        return RunFacts(
            name=folder.path.name,
            family=kept.family,
            base=str(_section(kept.recipe, "model").get("path") or ""),
            stages=stages,
            stage=stage,
            share=_share(stage, stages, progress, kept.losses.last, updates),
            update=summary.updates if summary else kept.losses.last,
            updates=updates,
            first_number=_first_number(kept.recipe),
            best=(best[0], float(best[1])) if best and best[0] is not None and best[1] is not None else None,
            verdict=kept.verdict,
            progress=progress,
            writer=writer,
            problem=kept.problems[0] if kept.problems else None,
            has_report=folder.report.exists(),
            can_continue=_can_continue(stages),
            changed=max((mtime for _, mtime, _ in seen), default=0) / 1e9,
        )


def _can_continue(stages: Mapping[str, str]) -> bool:
    """Whether something was begun that is not done; a report in the making is not worth the word."""
    return any(stages.get(name) in ("lost", "stopped") for name in STAGES[:-1])


def _seen(folder: RunFolder) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of the files that a row depends on."""
    found = []
    for path in (
        *(folder.path / name for name in _WATCHED),
        *map(folder.stage, STAGES),
        folder.metrics,
        folder.comparison,
    ):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _read(folder: RunFolder, kept: _Kept) -> None:
    kept.problems, kept.states, kept.verdict = [], {}, None
    kept.recipe = _recipe(folder, kept.problems)
    for name in STAGES:
        if not folder.stage(name).exists():
            continue
        try:
            kept.states[name] = StageState.read(folder.stage(name))
        except TunesmithError as error:
            kept.problems.append(error.message)
    kept.family = str(_section(kept.recipe, "model").get("family") or "")
    try:
        if folder.environment.exists():
            kept.family = Environment.read(folder.environment).model.family
        if folder.comparison.exists():
            kept.verdict = Comparison.read(folder.comparison).verdict.learnt
    except TunesmithError as error:
        kept.problems.append(error.message)


def _recipe(folder: RunFolder, problems: list[Message]) -> dict[str, Any]:
    import yaml

    quick = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in (folder.resolved, folder.recipe):
        if not path.exists():
            continue
        try:
            value = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=quick)
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{folder.path.name}/{path.name}" + (f":{mark.line + 1}" if mark else "")
            said = getattr(error, "problem", None) or (str(error).splitlines() or [""])[0]
            problems.append(msg("{where}: {said}", where=where, said=str(said)))
            continue
        if isinstance(value, dict):
            return value
        where = f"{folder.path.name}/{path.name}"
        problems.append(msg("{where}: this is no recipe", where=where))
    if not problems and not folder.metrics.exists():
        problems.append(msg("this folder holds no run: it has no recipe.yaml"))
    return {}


def _section(recipe: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = recipe.get(name)
    return value if isinstance(value, dict) else {}


def _updates(kept: _Kept) -> int | None:
    planned = _section(kept.recipe, "train").get("updates")
    return planned if isinstance(planned, int) and not isinstance(planned, bool) else None


def _first_number(recipe: Mapping[str, Any]) -> int | None:
    train = _section(recipe, "train")
    every = [train.get(key) for key in ("log_every", "valid_every")]
    return min((n for n in every if isinstance(n, int) and not isinstance(n, bool) and n > 0), default=None)


def _stage(stages: Mapping[str, str]) -> str:
    """The first stage that was begun and is not done, else the last that is."""
    unfinished = [name for name in STAGES if stages.get(name) in UNFINISHED]
    done = [name for name in STAGES if stages.get(name) == "done"]
    return unfinished[0] if unfinished else done[-1] if done else ""


def _share(
    stage: str, stages: Mapping[str, str], progress: StageProgress | None, update: int, updates: int | None
) -> float | None:
    if progress is not None:
        return progress.share
    if stages.get(stage) == "done":
        return 1.0
    return min(1.0, update / updates) if stage == "train" and updates else None
