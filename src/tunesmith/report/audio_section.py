"""What there is to hear: comparisons prompt by prompt, generated clips, and previews step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.records.comparison import ComparedPrompt, ComparedSide, ReferenceResult, Signals
from tunesmith.records.generated import GeneratedFile
from tunesmith.records.run_finding import ClipVerdict
from tunesmith.report.gather import ReportData
from tunesmith.report.media import AudioEmbedder, MediaClip
from tunesmith.report.numbers import number, real
from tunesmith.report.preview_grid import Grid, preview_files, preview_grid
from tunesmith.report.signal_texts import signal_name
from tunesmith.report.texts import term, verbatim
from tunesmith.texts import Message, msg

MOST_ROWS = 40
MOST_OWN = 6
_BASE, _ADAPTER, _REFERENCE, _PROMPT = msg("Base"), msg("Adapter"), msg("Reference"), msg("Prompt")


@dataclass(frozen=True)
class Flag:
    """Something found in one clip, with its number and limit."""

    sentence: Message
    numbers: Message | None


@dataclass(frozen=True)
class Side:
    """One of the clips that are heard side by side; ``heard`` is the transcript of speech."""

    title: Message
    clip: MediaClip | None
    flags: tuple[Flag, ...] = ()
    judged: bool = False
    missing: Message | None = None
    heard: Message | None = None


SignalRows = tuple[tuple[Message, tuple[str, ...]], ...]
"""A table: what was measured, and one number per side."""


@dataclass(frozen=True)
class PlayerRow:
    """One prompt and its clips, and what was measured on each."""

    prompt: str
    notes: tuple[Message, ...]
    sides: tuple[Side, ...]
    signals: SignalRows = ()
    title: Message | None = None


@dataclass
class Listening:
    """Everything audible on the page."""

    rows: list[PlayerRow] = field(default_factory=list)
    left_out: int = 0
    grid: Grid = field(default_factory=Grid)


def audible(material: ReportData) -> list[Path]:
    """Every audio file that the page will play, for the decision to embed."""
    named = [path for prompt in _prompts(material)[:MOST_ROWS] for path in _paths(material, prompt)]
    named += [material.inside(one.file, material.comparison_folder) for one in _own(material)]
    named += [material.inside(one.file, material.folder.generated) for one in _generated(material)]
    named += preview_files(material)
    return [path for path in named if path is not None]


def listening(material: ReportData, shelf: AudioEmbedder) -> Listening:
    """Build all rows and the preview grid."""
    prompts = _prompts(material)
    rows = [_comparison(material, shelf, prompt) for prompt in prompts[:MOST_ROWS]]
    if own := _own(material):
        rows.append(_own_row(material, shelf, own))
    rows += [_generated_row(material, shelf, one) for one in _generated(material)]
    return Listening(rows, max(len(prompts) - MOST_ROWS, 0), preview_grid(material, shelf))


def _prompts(material: ReportData) -> tuple[ComparedPrompt, ...]:
    return material.comparison.prompts if material.comparison else ()


def _paths(material: ReportData, prompt: ComparedPrompt) -> list[Path | None]:
    files = (prompt.base.file if prompt.base else None, prompt.lora.file, prompt.reference, prompt.source)
    return [material.inside(name, material.comparison_folder) for name in files]


def _asked_seconds(material: ReportData) -> float | None:
    seconds = real(material.comparison.settings.seconds) if material.comparison else None
    return seconds if seconds and seconds > 0 else None


def _comparison(material: ReportData, shelf: AudioEmbedder, prompt: ComparedPrompt) -> PlayerRow:
    clips = shelf.row(_paths(material, prompt), seconds=_asked_seconds(material))
    base, adapter, reference, source = clips
    true = _reference_of(material, prompt.reference)
    sides = [_side(_BASE, base, prompt.base), _side(_ADAPTER, adapter, prompt.lora)]
    measured = [prompt.base.signals if prompt.base else {}, prompt.lora.signals]
    if reference is not None:
        sides.append(Side(_REFERENCE, reference, heard=_heard(true.heard if true else None)))
        measured.append(true.signals if true else {})
    if source is not None:
        sides.append(Side(_PROMPT, source))
        measured.append({})
    notes = [term("kind", prompt.kind), *_edit(prompt), msg("seed {seed}", seed=prompt.seed)]
    return PlayerRow(prompt.prompt, tuple(notes), tuple(sides), _signal_table(measured))


def _side(title: Message, clip: MediaClip | None, side: ComparedSide | None) -> Side:
    if side is None:
        return Side(title, clip, missing=msg("The base model was not run."))
    flags = tuple(_flag(verdict) for verdict in side.verdicts)
    return Side(title, clip, flags, judged=True, missing=msg("No audio"), heard=_heard(side.heard))


def _edit(prompt: ComparedPrompt) -> list[Message]:
    """The kind of edit, and which one."""
    if not prompt.edit_type:
        return []
    name = term("edit", prompt.edit_type)
    return [msg("{name}: {info}", name=name, info=prompt.edit_info) if prompt.edit_info else name]


def _heard(text: str | None) -> Message | None:
    if text is None:
        return None
    return msg("Heard: {text}", text=text) if text else msg("Heard: nothing")


def _flag(verdict: ClipVerdict) -> Flag:
    if "limit" in str(verdict.sentence) or (real(verdict.value) is None and real(verdict.limit) is None):
        return Flag(verdict.sentence, None)  # the sentence holds its numbers already
    numbers = msg("{value}, limit {limit}", value=number(verdict.value), limit=number(verdict.limit))
    return Flag(verdict.sentence, numbers)


def _signal_table(measured: Sequence[Signals]) -> SignalRows:
    names = list(dict.fromkeys(name for signals in measured for name in signals))
    return tuple((signal_name(name), tuple(number(signals.get(name)) for signals in measured)) for name in names)


def _reference_of(material: ReportData, file: str | None) -> ReferenceResult | None:
    listed = material.comparison.reference if material.comparison else ()
    return next((one for one in listed if file is not None and one.file == file), None)


def _own(material: ReportData) -> list[ReferenceResult]:
    """Reference clips that stand beside no prompt."""
    if material.comparison is None:
        return []
    beside = {prompt.reference for prompt in material.comparison.prompts}
    return [one for one in material.comparison.reference if one.file and one.file not in beside][:MOST_OWN]


def _own_row(material: ReportData, shelf: AudioEmbedder, own: Sequence[ReferenceResult]) -> PlayerRow:
    clips = shelf.row([material.inside(one.file, material.comparison_folder) for one in own])
    sides = tuple(Side(verbatim(one.clip), clip, missing=msg("No audio")) for one, clip in zip(own, clips, strict=True))
    table = _signal_table([one.signals for one in own])
    return PlayerRow("", (), sides, table, title=msg("Your own clips"))


def _generated(material: ReportData) -> tuple[GeneratedFile, ...]:
    """What the generate stage made; only shown where no comparison plays the adapter already."""
    if material.comparison is not None or material.generated is None:
        return ()
    return material.generated.files[:MOST_ROWS]


def _generated_row(material: ReportData, shelf: AudioEmbedder, one: GeneratedFile) -> PlayerRow:
    clips = shelf.row([material.inside(one.file, material.folder.generated)])
    flags = (Flag(term("problem", one.problem), None),) if one.problem else ()
    side = Side(_ADAPTER, clips[0], flags, missing=msg("No audio"))
    notes = (msg("Generated with the adapter"), msg("seed {seed}", seed=one.seed))
    return PlayerRow(one.prompt, notes, (side,), _signal_table([one.signals]))
