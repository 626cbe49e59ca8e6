"""The previews that training made, step by step: a line per step, a column per prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunesmith.evaluation.outputs import gain_message
from tunesmith.records.metrics import PreviewLine
from tunesmith.report.gather import ReportData
from tunesmith.report.media import AudioEmbedder, MediaClip
from tunesmith.report.numbers import real
from tunesmith.report.texts import term
from tunesmith.texts import Message

MOST_STEPS = 12


@dataclass(frozen=True)
class Cell:
    """One preview; ``measured`` tells a good one from one that is missing, ``level`` that it was turned down."""

    clip: MediaClip | None
    problem: Message | None
    measured: bool = False
    level: Message | None = None


@dataclass(frozen=True)
class Grid:
    """Previews: a line per step, a column per prompt; ``left_out`` steps are not shown."""

    prompts: tuple[tuple[str, str], ...] = ()
    steps: tuple[tuple[int, bool, tuple[Cell, ...]], ...] = ()
    left_out: int = 0


def preview_files(data: ReportData) -> list[Path | None]:
    """The files of the steps that are shown."""
    _, chosen, _ = _steps(data)
    return [data.inside(preview.file) for step in chosen for preview in step]


def preview_grid(data: ReportData, embedder: AudioEmbedder) -> Grid:
    """Build the grid."""
    indices, chosen, left_out = _steps(data)
    best = {line.update for line in data.metrics.valid if line.best}
    last_best = max(best, default=None)
    prompts: dict[int, tuple[str, str]] = {}
    lines = []
    for step in chosen:
        at = {preview.index: preview for preview in step}
        for index, preview in at.items():
            prompts.setdefault(index, (preview.prompt, str(preview.seed)))
        clips = embedder.row([data.inside(at[i].file) if i in at else None for i in indices], compact=True)
        cells = tuple(
            Cell(clip, _problem(at.get(i)), i in at, _level(at.get(i))) for i, clip in zip(indices, clips, strict=True)
        )
        update = step[0].update
        lines.append((update, update == last_best, cells))
    return Grid(tuple(prompts[i] for i in indices if i in prompts), tuple(lines), left_out)


def _steps(data: ReportData) -> tuple[list[int], list[list[PreviewLine]], int]:
    """Indices of the prompts, the previews of the steps that are shown, and how many steps are left out."""
    by_step: dict[int, list[PreviewLine]] = {}
    for preview in data.metrics.previews:
        by_step.setdefault(preview.update, []).append(preview)
    steps = list(by_step.values())
    indices = sorted({preview.index for step in steps for preview in step})
    if len(steps) <= MOST_STEPS:
        return indices, steps, 0
    chosen = [steps[round(i * (len(steps) - 1) / (MOST_STEPS - 1))] for i in range(MOST_STEPS)]
    return indices, chosen, len(steps) - MOST_STEPS


def _level(preview: PreviewLine | None) -> Message | None:
    return gain_message(real(preview.signals.get("gain_db"))) if preview else None


def _problem(preview: PreviewLine | None) -> Message | None:
    """What is wrong with a preview: the name of a rule, or a sentence."""
    return term("problem", preview.problem) if preview and preview.problem and preview.problem.strip() else None
