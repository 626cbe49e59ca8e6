"""The part of ``comparison_results.json`` that is there for speech alone."""

from __future__ import annotations

from typing import Literal

from tunesmith.records.record import Number, Part, Said

Judgement = Literal["better", "worse", "unchanged", "unknown"]


class MeasureResult(Part):
    """One measure of one edit type.

    Attributes:
        name: The measure.
        title: What it is.
        unit: ``%`` for shares, which are kept as fractions.
        base: Mean over the base's outputs.
        adapter: Mean over the adapter's.
        reference: Mean over the true recordings.
        difference: Adapter minus base.
        low: Lower end of the interval of the difference over the pairs.
        high: Its upper end.
        pairs: How many pairs there are.
        judgement: What can be said of it.
    """

    name: str
    title: Said
    unit: str
    base: Number
    adapter: Number
    reference: Number
    difference: Number
    low: Number
    high: Number
    pairs: int
    judgement: Judgement


class EditTypeResult(Part):
    """One kind of edit: how many outputs it has, and everything compared."""

    edit_type: str
    outputs: int
    judgement: Judgement
    measures: tuple[MeasureResult, ...]


class SpeechComparison(Part):
    """What speech was measured with, and every edit type compared.

    Attributes:
        transcriber: The Whisper model that transcribed; ``None`` without one.
        error_rate: ``CER``, ``WER`` or ``CER/WER``; ``None`` without a transcriber.
        voice: What voices are told apart with.
        quality: What rated how speech sounds; ``None`` where nothing did, and in files of before.
        edit_types: In the order of their first output.
    """

    transcriber: str | None
    error_rate: str | None
    voice: str
    quality: str | None = None
    edit_types: tuple[EditTypeResult, ...]

    @property
    def ears(self) -> tuple[str, ...]:
        """The names of what measured voices, words and quality; numbers by different ones cannot be compared."""
        return tuple(name for name in (self.voice, self.transcriber, self.quality) if name)
