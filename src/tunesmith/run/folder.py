"""The run folder: the only place where a run keeps anything. Its layout is described in docs/run_folder.md."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tunesmith.errors import TunesmithError
from tunesmith.files import DamagedFileError, explain_os_error
from tunesmith.records.checkpoint_state import CheckpointState
from tunesmith.records.metrics import MetricLine, read_metric_lines
from tunesmith.records.stage_state import StageState
from tunesmith.texts import msg

STAGES = ("check", "encode", "train", "generate", "evaluate", "report")
"""The stages of a run, in order."""
STATE = "state.json"
"""In a checkpoint: how far the run is, and whose it is; written last."""
ATTEMPTS = "attempts"
"""Where earlier results of a run are kept."""
SHARDS = "shards"
"""Where shares of a stage that other processes do are kept until they are merged; each is held by its own process."""
LineT = TypeVar("LineT", bound=MetricLine)


@dataclass(frozen=True)
class RunFolder:
    """Names of everything inside a run folder."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The recipe as its user wrote it."""
        return self.path / "recipe.yaml"

    @property
    def resolved(self) -> Path:
        """Every key with the value used."""
        return self.path / "recipe.resolved.yaml"

    @property
    def environment(self) -> Path:
        """Versions, platform, base model, command."""
        return self.path / "environment.json"

    @property
    def base_model(self) -> Path:
        """What the stages need to know of the base model."""
        return self.path / "base_model.json"

    @property
    def manifest(self) -> Path:
        """Usable samples."""
        return self.path / "data" / "manifest.jsonl"

    @property
    def findings(self) -> Path:
        """What the checks found."""
        return self.path / "data" / "findings.json"

    @property
    def facts(self) -> Path:
        """Measured facts per file."""
        return self.path / "data" / "facts.jsonl"

    @property
    def clip_index(self) -> Path:
        """The content of every usable clip."""
        return self.path / "data" / "clips.json"

    @property
    def trained_on(self) -> Path:
        """What the present weights were trained on: recipe, manifest, findings, clips."""
        return self.path / "trained_on"

    @property
    def attempts(self) -> Path:
        """Earlier results of this run, each a run folder of its own."""
        return self.path / ATTEMPTS

    @property
    def shards(self) -> Path:
        """Shares of checking and encoding that are not merged yet, each in a folder like this one."""
        return self.path / SHARDS

    @property
    def go_on(self) -> Path:
        """The command that goes on with an interrupted training."""
        return self.path / "resume.txt"

    @property
    def cache(self) -> Path:
        """Encoded clips; an attempt shares those of its run."""
        parent = self.path.resolve().parent
        return (parent.parent if parent.name == ATTEMPTS else self.path) / "cache"

    @property
    def plan(self) -> Path:
        """What the run will take."""
        return self.path / "plan.json"

    @property
    def metrics(self) -> Path:
        """Training metrics, one JSON object per line."""
        return self.path / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """The console's lines, each with its time."""
        return self.path / "train.log"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def previews(self) -> Path:
        """Previews by step."""
        return self.path / "previews"

    @property
    def checkpoints(self) -> Path:
        """Resumable checkpoints by step."""
        return self.path / "checkpoints"

    @property
    def preview_rounds(self) -> Path:
        """Which rounds of previews were made, and what they took."""
        return self.previews / "rounds.json"

    def candidate(self, update: int) -> Path:
        """Weights of the lowest held-out loss that previews have not judged yet."""
        return self.checkpoints / f"candidate-{update:06d}"

    def candidates(self) -> list[Path]:
        """All weights that wait for previews, the newest last."""
        return sorted(self.checkpoints.glob("candidate-*"))

    @property
    def best(self) -> Path:
        """The adapter with the best held-out loss."""
        return self.path / "best_model"

    @property
    def unfinished_evaluation(self) -> Path:
        """Sounds of an evaluation that was interrupted."""
        return self.path / "evaluation.unfinished"

    @property
    def final(self) -> Path:
        """The adapter at the last update."""
        return self.path / "final_model"

    @property
    def generated(self) -> Path:
        """Audio made by the generate stage."""
        return self.path / "generated"

    @property
    def evaluation(self) -> Path:
        """Base against adapter."""
        return self.path / "evaluation"

    @property
    def comparison(self) -> Path:
        """The evaluation's record; right in the folder where that holds an evaluation and nothing else."""
        beside, usual = self.path / "comparison_results.json", self.evaluation / "comparison_results.json"
        return usual if usual.exists() or not beside.exists() else beside

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def listening_page(self) -> Path:
        """The page of a listening test, for everyone who is to hear it."""
        return self.path / "listen.html"

    @property
    def listening_key(self) -> Path:
        """What that page hides."""
        return self.path / "listening_key.json"

    @property
    def listening(self) -> Path:
        """What the votes of the listening test say."""
        return self.path / "listening.json"

    @property
    def runs_compared(self) -> Path:
        """This run beside others, or its checkpoints side by side; a page of the same name lies beside it."""
        return self.path / "runs_compared.json"

    @property
    def checkpoints_compared(self) -> Path:
        """The evaluation of every checkpoint that was compared."""
        return self.checkpoints / "compared"

    def listening_keys(self) -> list[Path]:
        """The key of the present page, and those of pages before it."""
        return [path for path in (self.listening_key, *sorted(self.path.glob("listening_key.*.json"))) if path.exists()]

    def stage(self, name: str) -> Path:
        """The state file of one stage."""
        return self.path / "stages" / f"{name}.json"

    def stage_state(self, name: str) -> StageState | None:
        """The state of a stage that was begun, or ``None``; a damaged file counts as none.

        Nothing else of the run depends on it: encoded clips are kept in the cache, and training has its checkpoints.

        Raises:
            TunesmithError: when its file cannot be read, or is of a later version.
        """
        path = self.stage(name)
        if not path.exists():
            return None
        try:
            return StageState.read(path)
        except DamagedFileError:
            return None

    def newest_checkpoint(self) -> Path | None:
        """The newest checkpoint that says how far it is, or ``None``."""
        return next((path for path in reversed(self.all_checkpoints()) if _says_its_state(path)), None)

    def all_checkpoints(self) -> list[Path]:
        """The folders of all checkpoints, the oldest first."""
        return sorted(path for path in self.checkpoints.glob("step-*") if (path / STATE).exists())

    def read_metrics(self, kind: type[LineT], damaged: list[TunesmithError] | None = None) -> Iterator[LineT]:
        """Metric lines of one kind in order (of all with ``MetricLine``); damaged ones are passed over.

        Args:
            kind: Of the lines.
            damaged: Takes what is wrong with each line that is passed over, but for one cut off at the end.

        Raises:
            TunesmithError: from a line of a later version.
        """
        refused: list[TunesmithError] = [] if damaged is None else damaged
        for line in read_metric_lines(self.metrics, refused):
            _raise_later_versions(refused)
            if isinstance(line, kind):
                yield line
        _raise_later_versions(refused)

    def create(self) -> RunFolder:
        """Make the folder.

        Raises:
            TunesmithError: when it cannot be made or written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # A name of its own: several processes of one run probe the folder at the same moment.
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            error.filename = None  # of the file that was tried
            raise explain_os_error(error, self.path) from error
        return self


def _says_its_state(checkpoint: Path) -> bool:
    try:
        CheckpointState.read(checkpoint / STATE)
    except DamagedFileError:
        return False
    return True


def _raise_later_versions(refused: list[TunesmithError]) -> None:
    for error in refused:
        if not isinstance(error, DamagedFileError):
            raise error


def find_run(name: str, root: Path | None = None) -> RunFolder:
    """The run folder that a user means by ``name``: a folder, or a name under ``runs/``.

    Raises:
        TunesmithError: when there is none.
    """
    base = root or Path("runs")
    for path in (Path(name), base / name):
        if path.is_dir() and any(
            (path / part).exists()
            for part in (
                "recipe.yaml",
                "recipe.resolved.yaml",
                "metrics.jsonl",
                "evaluation",
                "comparison_results.json",
            )
        ):
            return RunFolder(path)
    raise TunesmithError(
        msg("there is no run `{name}`", name=name),
        remedy=msg("Looked at {path} and {other}; make one with `tunesmith new`.", path=name, other=base / name),
    )
