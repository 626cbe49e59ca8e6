"""What became of each kind of edit: base against adapter, pair by pair, with an interval for every difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.evaluation.diagnosis import skipped_clause
from tunesmith.evaluation.diagnosis.rule import Context
from tunesmith.evaluation.paired import Interval, interval
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.records.speech_comparison import Judgement
from tunesmith.texts import Message, msg

LOSS = "heldout_loss"
_LEAST_LOSS = 0.02  # of the base's loss
PairedLosses = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""Edit type to the losses of its held-out samples: base, adapter."""


@dataclass(frozen=True)
class Measure:
    """One measure of speech that is compared.

    Attributes:
        name: As in the record.
        title: What it is.
        term: The same within a sentence.
        unit: ``%`` for shares, which are kept as fractions.
        least: The smallest difference that matters.
        bad: +1 where higher is worse, -1 where lower is.
        value: Reads it off a clip; NaN where it cannot be told.
    """

    name: str
    title: Message
    term: Message
    unit: str
    least: float
    bad: int
    value: Callable[[SpeechSignals], float]


def length_error(signals: SpeechSignals) -> float:
    """By which share the speech is longer or shorter than expected: 1 for twice as long and for half as long."""
    ratio = signals.duration_ratio
    return max(ratio, 1 / ratio) - 1 if ratio > 0 else math.nan


def skipped(signals: SpeechSignals) -> float:
    """1 where words were left out, 0 where not."""
    if not signals.live:
        return 1.0
    known = math.isfinite(signals.duration_ratio) or math.isfinite(signals.left_out)
    verdict = skipped_clause.RULE.check(signals, Context(profile="speech"))
    return float(verdict is not None) if known else math.nan


MEASURES: tuple[Measure, ...] = (
    Measure("error_rate", msg("Error rate"), msg("error rate"), "%", 0.03, 1, lambda s: s.error_rate),
    Measure("skipped", msg("Words left out"), msg("words left out"), "%", 0.1, 1, skipped),
    Measure("length_error", msg("Length off by"), msg("length off by"), "%", 0.1, 1, length_error),
    Measure("floor_db", msg("Noise under the voice"), msg("noise under the voice"), "dB", 6.0, 1, lambda s: s.floor_db),
    Measure(
        "voice_prompt",
        msg("Likeness to the prompt"),
        msg("likeness to the prompt"),
        "",
        0.05,
        -1,
        lambda s: s.voice_prompt,
    ),
    Measure(
        "voice_own", msg("Likeness to the speaker"), msg("likeness to the speaker"), "", 0.05, -1, lambda s: s.voice_own
    ),
    Measure("mos", msg("How good it sounds, 1 to 5"), msg("how good it sounds, 1 to 5"), "", 0.2, -1, lambda s: s.mos),
)
LOSS_TITLE, LOSS_TERM = msg("Held-out loss"), msg("held-out loss")


@dataclass(frozen=True)
class Compared:
    """One measure of one edit type.

    Attributes:
        name: The measure's name, or :data:`LOSS`.
        title: What it is.
        term: The same within a sentence.
        unit: ``%`` for shares, which are kept as fractions.
        base: Mean over the base's outputs (NaN where unknown, as all of these).
        adapter: Mean over the adapter's.
        reference: Mean over the true recordings.
        difference: Interval of adapter minus base over the pairs.
        judgement: What can be said of it.
    """

    name: str
    title: Message
    term: Message
    unit: str
    base: float
    adapter: float
    reference: float
    difference: Interval
    judgement: Judgement


@dataclass(frozen=True)
class EditType:
    """One kind of edit: its name, how many outputs, and everything compared."""

    name: str
    outputs: int
    compared: tuple[Compared, ...]

    @property
    def judgement(self) -> Judgement:
        """Worse when anything is, else better when anything is; unchanged only when everything is."""
        found = {compared.judgement for compared in self.compared}
        order: tuple[Judgement, ...] = ("worse", "better", "unknown", "unchanged")
        return next((judgement for judgement in order if judgement in found), "unknown")


def by_edit_type(
    kinds: Sequence[str],
    base: Sequence[SpeechSignals] | None,
    adapter: Sequence[SpeechSignals],
    reference: Sequence[tuple[str, SpeechSignals]] = (),
    losses: PairedLosses | None = None,
) -> list[EditType]:
    """Compares base and adapter within each edit type.

    Args:
        kinds: Edit type of each output.
        base: The base's outputs; ``None`` when it was not run.
        adapter: The adapter's, for the same prompts and seeds in the same order.
        reference: Edit type and measurement of true recordings.
        losses: Held-out losses by edit type.

    Returns:
        The edit types in the order of their first output; those with losses alone last.
    """
    found = []
    losses = losses or {}
    for kind in dict.fromkeys([*kinds, *losses]):
        at = [i for i, other in enumerate(kinds) if other == kind]
        true = [signals for other, signals in reference if other == kind]
        compared = [_loss(*losses[kind])] if kind in losses else []
        sides = [base[i] for i in at] if base is not None else None, [adapter[i] for i in at]
        compared += [measured for m in MEASURES if (measured := _compare(m, *sides, true)) is not None]
        found.append(EditType(kind, len(at), tuple(compared)))
    return found


def _compare(
    measure: Measure,
    base: Sequence[SpeechSignals] | None,
    adapter: Sequence[SpeechSignals],
    reference: Sequence[SpeechSignals],
) -> Compared | None:
    after, true = [measure.value(s) for s in adapter], [measure.value(s) for s in reference]
    before = [math.nan] * len(after) if base is None else [measure.value(s) for s in base]
    if not np.isfinite(before + after).any():
        return None
    difference = interval([b - a for a, b in zip(before, after, strict=True)])
    judged = interval([measure.bad * (b - a) for a, b in zip(before, after, strict=True)]).judgement(measure.least)
    values = (_mean(before), _mean(after), _mean(true))
    return Compared(measure.name, measure.title, measure.term, measure.unit, *values, difference, judged)


def _loss(base: Sequence[float], adapter: Sequence[float]) -> Compared:
    difference = interval([b - a for a, b in zip(base, adapter, strict=True)])
    judged = difference.judgement(_LEAST_LOSS * abs(_mean(base)))
    return Compared(LOSS, LOSS_TITLE, LOSS_TERM, "", _mean(base), _mean(adapter), math.nan, difference, judged)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan
