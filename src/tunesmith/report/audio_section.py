"""What there is to hear: comparisons prompt by prompt, generated clips, and previews step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.report.gather import Record, ReportData, part, records
from tunesmith.report.media import AudioEmbedder, MediaClip
from tunesmith.report.numbers import number, real
from tunesmith.report.texts import Both, both, same, say, signal, word

MOST_ROWS = 40
MOST_STEPS = 12
MOST_OWN = 6


@dataclass(frozen=True)
class Flag:
    """Something found in one clip, with its number and limit."""

    sentence: Both
    numbers: Both | None


@dataclass(frozen=True)
class Side:
    """One of the clips that are heard side by side; ``heard`` is the transcript of speech."""

    title: Both
    clip: MediaClip | None
    flags: tuple[Flag, ...] = ()
    judged: bool = False
    missing: Both | None = None
    heard: Both | None = None


@dataclass(frozen=True)
class PlayerRow:
    """One prompt and its clips; ``signals`` is a table (name, one number per side)."""

    prompt: str
    notes: tuple[Both, ...]
    sides: tuple[Side, ...]
    signals: tuple[tuple[Both, tuple[str, ...]], ...] = ()
    title: Both | None = None


@dataclass(frozen=True)
class Cell:
    """One preview; ``measured`` tells a good one from one that is missing."""

    clip: MediaClip | None
    problem: Both | None
    measured: bool = False


@dataclass(frozen=True)
class Grid:
    """Previews: a line per step, a column per prompt; ``left_out`` steps are not shown."""

    prompts: tuple[tuple[str, str], ...] = ()
    steps: tuple[tuple[int, bool, tuple[Cell, ...]], ...] = ()
    left_out: int = 0


@dataclass
class Listening:
    """Everything audible on the page."""

    rows: list[PlayerRow] = field(default_factory=list)
    left_out: int = 0
    grid: Grid = field(default_factory=Grid)


def audible(material: ReportData) -> list[Path]:
    """Every audio file that the page will play, for the decision to embed."""
    prompts = records((material.comparison or {}).get("prompts"))[:MOST_ROWS]
    named = [path for prompt in prompts for path in _paths(material, prompt)]
    named += [material.inside(r.get("file"), material.comparison_folder) for r in _own(material)]
    named += [material.inside(item.get("file"), material.folder.generated) for item in _generated(material)]
    _, chosen, _ = _steps(material)
    named += [material.inside(r.get("file")) for step in chosen for r in step]
    return [path for path in named if path is not None]


def listening(material: ReportData, shelf: AudioEmbedder) -> Listening:
    """Build all rows and the preview grid."""
    prompts = records((material.comparison or {}).get("prompts"))
    longest = _asked_seconds(material)
    rows = [_comparison(material, shelf, prompt, longest) for prompt in prompts[:MOST_ROWS]]
    if own := _own(material):
        rows.append(_own_row(material, shelf, own))
    rows += [_generated_row(material, shelf, item) for item in _generated(material)]
    return Listening(rows, max(len(prompts) - MOST_ROWS, 0), _grid(material, shelf))


def _paths(material: ReportData, prompt: Record) -> list[Path | None]:
    files = (part(prompt, "base").get("file"), part(prompt, "lora").get("file"), prompt.get("reference"))
    return [material.inside(name, material.comparison_folder) for name in (*files, prompt.get("source"))]


def _asked_seconds(material: ReportData) -> float | None:
    seconds = real(part(material.comparison, "settings").get("seconds"))
    return seconds if seconds and seconds > 0 else None


def _comparison(material: ReportData, shelf: AudioEmbedder, prompt: Record, seconds: float | None) -> PlayerRow:
    clips = shelf.row(_paths(material, prompt), seconds=seconds)
    measured = [part(prompt, "base"), part(prompt, "lora"), _reference_of(material, prompt.get("reference")), {}]
    keys = ("base", "adapter", "reference", "source")
    shown = [i for i, key in enumerate(keys) if key in ("base", "adapter") or clips[i] is not None]
    sides = []
    for index in shown:
        key, record = keys[index], measured[index]
        judged = key in ("base", "adapter") and bool(record)
        missing = say("not_compared") if key == "base" and not record else say("no_audio")
        sides.append(Side(say(f"side_{key}"), clips[index], _flags(record), judged, missing, _heard(record)))
    notes = [word("kind", prompt["kind"])] if prompt.get("kind") else []
    if prompt.get("edit_type"):
        notes.append(_edit(prompt))
    if prompt.get("seed") is not None:
        notes.append(say("seed", seed=prompt["seed"]))
    return PlayerRow(
        str(prompt.get("prompt") or ""), tuple(notes), tuple(sides), _signal_table([measured[i] for i in shown])
    )


def _edit(prompt: Record) -> Both:
    """The kind of edit, and which one."""
    name, info = word("edit", prompt["edit_type"]), prompt.get("edit_info")
    return Both(f"{name.en}: {info}", f"{name.zh}：{info}") if info else name


def _heard(side: Record) -> Both | None:
    text = side.get("heard")
    if not isinstance(text, str):
        return None
    return say("heard", text=text) if text else say("heard_nothing")


def _flags(side: Record) -> tuple[Flag, ...]:
    return tuple(_flag(item) for item in records(side.get("verdicts")))


def _flag(item: Record) -> Flag:
    sentence = both(item, "sentence") or both(item, "title") or same(item.get("name", ""))
    value, limit = item.get("value", item.get("number")), item.get("limit")
    if "limit" in sentence.en or (real(value) is None and real(limit) is None):
        return Flag(sentence, None)  # the sentence holds its numbers already
    unit = f" {item['unit']}" if item.get("unit") else ""
    return Flag(sentence, say("flag_numbers", value=number(value) + unit, limit=number(limit) + unit))


def _signal_table(measured: list[Record]) -> tuple[tuple[Both, tuple[str, ...]], ...]:
    tables = [part(record, "signals") for record in measured]
    names = list(dict.fromkeys(name for table in tables for name in table))
    return tuple((signal(name), tuple(number(table.get(name)) for table in tables)) for name in names)


def _reference_of(material: ReportData, file: Any) -> Record:
    listed = records((material.comparison or {}).get("reference"))
    return next((item for item in listed if file is not None and item.get("file") == file), {})


def _own(material: ReportData) -> list[Record]:
    """Reference clips that stand beside no prompt."""
    comparison = material.comparison or {}
    beside = {str(prompt.get("reference")) for prompt in records(comparison.get("prompts"))}
    listed = [item for item in records(comparison.get("reference")) if item.get("file")]
    return [item for item in listed if str(item["file"]) not in beside][:MOST_OWN]


def _own_row(material: ReportData, shelf: AudioEmbedder, own: list[Record]) -> PlayerRow:
    clips = shelf.row([material.inside(item.get("file"), material.comparison_folder) for item in own])
    sides = tuple(
        Side(same(item.get("clip") or item.get("file") or ""), clip, missing=say("no_audio"))
        for item, clip in zip(own, clips, strict=True)
    )
    return PlayerRow("", (), sides, _signal_table(own), title=say("own_clips"))


def _generated(material: ReportData) -> list[Record]:
    """What the generate stage listed; only shown where no comparison plays the adapter already."""
    path = material.folder.generated / "generated.json"
    if material.comparison is not None or not path.exists():
        return []
    try:
        value = read_json(path)
    except TunesmithError:
        return []
    if isinstance(value, Mapping):
        value = next((items for items in value.values() if records(items)), [])
    return [item for item in records(value) if isinstance(item.get("file"), str)][:MOST_ROWS]


def _generated_row(material: ReportData, shelf: AudioEmbedder, item: Record) -> PlayerRow:
    clips = shelf.row([material.inside(item["file"], material.folder.generated)])
    problem = _problem(item)
    flags = (Flag(problem, None),) if problem else ()
    side = Side(say("side_generated"), clips[0], flags, missing=say("no_audio"))
    notes = (say("seed", seed=item["seed"]),) if item.get("seed") is not None else ()
    return PlayerRow(str(item.get("prompt") or ""), (say("generated"), *notes), (side,), _signal_table([item]))


def _steps(material: ReportData) -> tuple[list[str], list[list[Record]], int]:
    """Indices of the prompts, the previews of the steps that are shown, and how many steps are left out."""
    by_step: dict[Any, list[Record]] = {}
    for record in material.lines("preview"):
        by_step.setdefault(record["update"], []).append(record)
    steps = list(by_step.values())
    indices = sorted({str(r.get("index")) for step in steps for r in step}, key=lambda i: (len(i), i))
    if len(steps) <= MOST_STEPS:
        return indices, steps, 0
    chosen = [steps[round(i * (len(steps) - 1) / (MOST_STEPS - 1))] for i in range(MOST_STEPS)]
    return indices, chosen, len(steps) - MOST_STEPS


def _problem(record: Record | None) -> Both | None:
    """What is wrong with a preview: the name of a rule, or a sentence."""
    said = both(record, "problem")
    return word("problem", said.en) if said and said.en == said.zh else said


def _grid(material: ReportData, shelf: AudioEmbedder) -> Grid:
    indices, chosen, left_out = _steps(material)
    best = {record["update"] for record in material.lines("valid") if record.get("best")}
    last_best = max(best, default=None)
    prompts: dict[str, tuple[str, str]] = {}
    lines = []
    for step in chosen:
        at = {str(record.get("index")): record for record in step}
        for index, record in at.items():
            prompts.setdefault(index, (str(record.get("prompt") or ""), str(record.get("seed", ""))))
        clips = shelf.row([material.inside(at[i].get("file")) if i in at else None for i in indices], compact=True)
        cells = tuple(Cell(clip, _problem(at.get(i)), i in at) for i, clip in zip(indices, clips, strict=True))
        update = step[0]["update"]
        lines.append((update, update == last_best, cells))
    return Grid(tuple(prompts[i] for i in indices if i in prompts), tuple(lines), left_out)
