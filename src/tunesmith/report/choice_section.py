"""Why training kept the weights that it kept: every measured update beside the kept one."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tunesmith.evaluation.checkpoint_choice import MeasuredUpdate, StageChoice, Standing, stage_choice
from tunesmith.evaluation.paired import Interval
from tunesmith.records.metrics import PreviewLine
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import UNKNOWN, loss, number
from tunesmith.report.texts import term
from tunesmith.texts import Message, joined, msg

MOST_UPDATES = 16
_STANDINGS: dict[Standing, Message] = {
    "kept": msg("kept"),
    "vetoed": msg("previews objected"),
    "lost": msg("not a number"),
    "lower": msg("lower, but replaced before previews could judge it"),
    "worse": msg("clearly worse"),
    "open": msg("cannot be told from the kept one"),
    "few": msg("too few clips to tell"),
}
_CLASSES: dict[Standing, str] = {"kept": "yes", "vetoed": "bad"}


@dataclass(frozen=True)
class UpdateRow:
    """One measured update: loss, its difference to the kept one with the interval, previews, and what became of it."""

    update: str
    loss: str
    against: Message | str
    previews: Message | str
    standing: Message
    css_class: str


@dataclass(frozen=True)
class ChoiceTable:
    """A stage of training; ``stage`` is empty where there is but one, ``left_out`` updates are not shown."""

    stage: str
    sentence: Message
    rows: tuple[UpdateRow, ...]
    left_out: int


def choices(data: ReportData) -> list[ChoiceTable]:
    """A table for every stage of training that kept something measured."""
    found = [choice for choice in _choices(data) if choice is not None]
    return [_table(data, choice, named=len(found) > 1) for choice in found]


def _choices(data: ReportData) -> Iterator[StageChoice | None]:
    state = data.stages.get("train")
    trained = state.training() if state else None
    lines = (*data.metrics.valid, *data.metrics.events)
    for stage in trained.stages if trained else ():
        yield stage_choice(lines, stage.name, stage.best_update)


def _table(data: ReportData, choice: StageChoice, *, named: bool) -> ChoiceTable:
    shown = _shown(choice.measured)
    rows = tuple(_row(one, data.metrics.previews) for one in shown)
    return ChoiceTable(choice.stage if named else "", choice.sentence, rows, len(choice.measured) - len(shown))


def _shown(measured: Sequence[MeasuredUpdate]) -> list[MeasuredUpdate]:
    """The first, the kept one and those of the lowest loss, in order."""

    def rank(one: MeasuredUpdate) -> tuple[bool, float]:
        always = one.standing == "kept" or one is measured[0]
        return not always, math.inf if one.line.loss is None else one.line.loss

    return sorted(sorted(measured, key=rank)[:MOST_UPDATES], key=lambda one: one.line.update)


def _row(one: MeasuredUpdate, previews: Sequence[PreviewLine]) -> UpdateRow:
    of_base = {preview.index for preview in previews if preview.update == 0 and preview.problem}
    return UpdateRow(
        update=number(one.line.update),
        loss=loss(one.line.loss),
        against=UNKNOWN if one.against is None else _interval(one.against),
        previews=_previews([p for p in previews if p.update == one.line.update], of_base),
        standing=_STANDINGS[one.standing],
        css_class=_CLASSES.get(one.standing, "unmoved"),
    )


def _interval(found: Interval) -> Message | str:
    if not math.isfinite(found.estimate):
        return UNKNOWN
    if not math.isfinite(found.low):
        return _signed(found.estimate)
    return msg(
        "{estimate} ({low} to {high})",
        estimate=_signed(found.estimate),
        low=_signed(found.low),
        high=_signed(found.high),
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _previews(made: Sequence[PreviewLine], of_base: Collection[int]) -> Message | str:
    """What is wrong with previews; what the base model's own have as well is no objection."""
    if not made:
        return UNKNOWN
    problems = [
        msg("{problem}, as with the base model", problem=term("problem", preview.problem))
        if preview.index in of_base and preview.update
        else term("problem", preview.problem)
        for preview in made
        if preview.problem
    ]
    return joined(problems) if problems else msg("sound ({n})", n=len(made))
