"""The audio of the page: comparisons prompt by prompt, generated clips, and previews step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.evaluation.outputs import gain_message
from tunesmith.records.comparison import ComparedPrompt, ComparedSide, ReferenceResult, Signals
from tunesmith.records.generated import GeneratedFile
from tunesmith.records.record import Number
from tunesmith.records.run_finding import ClipVerdict
from tunesmith.report.gather import ReportData
from tunesmith.report.media import AudioEmbedder, MediaClip
from tunesmith.report.numbers import number, real
from tunesmith.report.preview_grid import Grid, preview_files, preview_grid
from tunesmith.report.signal_texts import signal_name
from tunesmith.report.texts import term, verbatim
from tunesmith.texts import Message, msg

MOST_ROWS = 40
MOST_REFERENCES = 6
_ROUNDING = 1e-6
_BASE, _ADAPTER, _REFERENCE, _PROMPT = msg("Base"), msg("Adapter"), msg("Reference"), msg("Prompt")


@dataclass(frozen=True)
class Flag:
    """Something found in one clip, with its number and limit."""

    sentence: Message
    numbers: Message | None


@dataclass(frozen=True)
class Side:
    """One of the clips that are played side by side; ``transcript`` is that of speech."""

    title: Message
    clip: MediaClip | None
    flags: tuple[Flag, ...] = ()
    judged: bool = False
    missing: Message | None = None
    transcript: Message | None = None


SignalRows = tuple[tuple[Message, tuple[str, ...]], ...]
"""A table: what was measured, and one number per side."""


@dataclass(frozen=True)
class PlayerRow:
    """One prompt and its clips, and what was measured; ``strengths`` are drawn like them and shown elsewhere."""

    prompt: str
    notes: tuple[Message, ...]
    sides: tuple[Side, ...]
    signals: SignalRows = ()
    title: Message | None = None
    strengths: tuple[MediaClip | None, ...] = ()


@dataclass
class AudioSection:
    """Everything audible on the page."""

    rows: list[PlayerRow] = field(default_factory=list)
    left_out: int = 0
    grid: Grid = field(default_factory=Grid)


def audible(data: ReportData) -> list[Path]:
    """Every audio file that the page will play, for the decision to embed."""
    named = [path for prompt in _prompts(data)[:MOST_ROWS] for path in _paths(data, prompt)]
    named += [data.inside(reference.file, data.comparison_folder) for reference in _unpaired_references(data)]
    named += [data.inside(generated.file, data.folder.generated) for generated in _generated(data)]
    named += preview_files(data)
    return [path for path in named if path is not None]


def build_audio_section(data: ReportData, embedder: AudioEmbedder) -> AudioSection:
    """Build all rows and the preview grid."""
    prompts = _prompts(data)
    rows = [_comparison(data, embedder, prompt) for prompt in prompts[:MOST_ROWS]]
    if references := _unpaired_references(data):
        rows.append(_references_row(data, embedder, references))
    rows += [_generated_row(data, embedder, generated) for generated in _generated(data)]
    return AudioSection(rows, max(len(prompts) - MOST_ROWS, 0), preview_grid(data, embedder))


def _prompts(data: ReportData) -> tuple[ComparedPrompt, ...]:
    return data.comparison.prompts if data.comparison else ()


def _paths(data: ReportData, prompt: ComparedPrompt) -> list[Path | None]:
    files = (prompt.base.file if prompt.base else None, prompt.lora.file, prompt.reference, prompt.source)
    further = (one.output.file for one in prompt.strengths)
    return [data.inside(name, data.comparison_folder) for name in (*files, *further)]


def _asked_seconds(data: ReportData) -> float | None:
    seconds = real(data.comparison.settings.seconds) if data.comparison else None
    return seconds if seconds and seconds > 0 else None


def _comparison(data: ReportData, embedder: AudioEmbedder, prompt: ComparedPrompt) -> PlayerRow:
    clips = embedder.row(_paths(data, prompt), seconds=_asked_seconds(data))
    base, adapter, reference, source, *further = clips
    true = _reference_of(data, prompt.reference)
    sides = [_side(_BASE, base, prompt.base), _side(_ADAPTER, adapter, prompt.lora)]
    measured = [prompt.base.signals if prompt.base else {}, prompt.lora.signals]
    if reference is not None:
        sides.append(Side(_REFERENCE, reference, transcript=_transcript(true.heard if true else None)))
        measured.append(true.signals if true else {})
    if source is not None:
        sides.append(Side(_PROMPT, source))
        measured.append({})
    notes = [
        term("kind", prompt.kind),
        *edit_kind(prompt),
        msg("seed {seed}", seed=prompt.seed),
        *_level(prompt.lora.signals),
    ]
    return PlayerRow(prompt.prompt, tuple(notes), tuple(sides), _signal_table(measured), strengths=tuple(further))


def _level(signals: Signals) -> list[Message]:
    """What was done to the level of a file, and of the other one of its pair alike."""
    gain = gain_message(real(signals.get("gain_db")))
    return [gain] if gain else []


def _side(title: Message, clip: MediaClip | None, side: ComparedSide | None) -> Side:
    if side is None:
        return Side(title, clip, missing=msg("The base model was not run."))
    return Side(
        title, clip, flags_of(side.verdicts), judged=True, missing=msg("No audio"), transcript=_transcript(side.heard)
    )


def edit_kind(prompt: ComparedPrompt) -> list[Message]:
    """The kind of edit, and which one."""
    if not prompt.edit_type:
        return []
    name = term("edit", prompt.edit_type)
    return [msg("{name}: {info}", name=name, info=prompt.edit_info) if prompt.edit_info else name]


def _transcript(text: str | None) -> Message | None:
    if text is None:
        return None
    return msg("Heard: {text}", text=text) if text else msg("Heard: nothing")


def flags_of(verdicts: Sequence[ClipVerdict]) -> tuple[Flag, ...]:
    """What was found in a clip."""
    return tuple(_flag(verdict) for verdict in verdicts)


def _flag(verdict: ClipVerdict) -> Flag:
    if "limit" in str(verdict.sentence) or (real(verdict.value) is None and real(verdict.limit) is None):
        return Flag(verdict.sentence, None)  # the sentence holds its numbers already
    numbers = msg("{value}, limit {limit}", value=number(verdict.value), limit=number(verdict.limit))
    return Flag(verdict.sentence, numbers)


def _signal_table(measured: Sequence[Signals]) -> SignalRows:
    names = dict.fromkeys(name for signals in measured for name, value in signals.items() if real(value) is not None)
    return tuple((signal_name(name), tuple(_measured(signals.get(name)) for signals in measured)) for name in names)


def _measured(value: Number) -> str:
    """A signal as it is written; what only rounding left of nothing is nothing."""
    known = real(value)
    return number(0 if known is not None and abs(known) < _ROUNDING else value)


def _reference_of(data: ReportData, file: str | None) -> ReferenceResult | None:
    listed = data.comparison.reference if data.comparison else ()
    return next((reference for reference in listed if file is not None and reference.file == file), None)


def _unpaired_references(data: ReportData) -> list[ReferenceResult]:
    """Reference clips that stand beside no prompt."""
    if data.comparison is None:
        return []
    beside = {prompt.reference for prompt in data.comparison.prompts}
    return [reference for reference in data.comparison.reference if reference.file and reference.file not in beside][
        :MOST_REFERENCES
    ]


def _references_row(data: ReportData, embedder: AudioEmbedder, references: Sequence[ReferenceResult]) -> PlayerRow:
    clips = embedder.row([data.inside(reference.file, data.comparison_folder) for reference in references])
    sides = tuple(
        Side(verbatim(reference.clip), clip, missing=msg("No audio"))
        for reference, clip in zip(references, clips, strict=True)
    )
    table = _signal_table([reference.signals for reference in references])
    return PlayerRow("", (), sides, table, title=msg("Your own clips"))


def _generated(data: ReportData) -> tuple[GeneratedFile, ...]:
    """What the generate stage made; only shown where no comparison plays the adapter already."""
    if data.comparison is not None or data.generated is None:
        return ()
    return data.generated.files[:MOST_ROWS]


def _generated_row(data: ReportData, embedder: AudioEmbedder, generated: GeneratedFile) -> PlayerRow:
    clips = embedder.row([data.inside(generated.file, data.folder.generated)])
    flags = (Flag(term("problem", generated.problem), None),) if generated.problem else ()
    side = Side(_ADAPTER, clips[0], flags, missing=msg("No audio"))
    notes = (msg("Generated with the adapter"), msg("seed {seed}", seed=generated.seed), *_level(generated.signals))
    return PlayerRow(generated.prompt, notes, (side,), _signal_table([generated.signals]))
