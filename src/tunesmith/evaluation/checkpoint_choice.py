"""The evidence for the update whose weights training kept: every measurement of a stage held against it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tunesmith.evaluation.judge import FEWEST_CLIPS, Contender, difference, is_better, is_lower
from tunesmith.evaluation.paired import Interval
from tunesmith.records.metrics import EventLine, MetricLine, ValidLine
from tunesmith.texts import Message, msg

Standing = Literal["kept", "vetoed", "lost", "lower", "worse", "open", "few"]
"""Of a measured update: its weights are the best ones; previews objected to it; its loss is no number; its loss is
lower, but its weights were replaced before previews could judge them; it is clearly worse; it cannot be told from the
kept one; there are too few clips to tell."""


@dataclass(frozen=True)
class MeasuredUpdate:
    """An update at which held-out clips were measured.

    Attributes:
        line: What was measured.
        against: Its loss less that of the kept update, clip by clip, with a 90 % interval; ``None`` of the kept one.
        standing: What became of it.
    """

    line: ValidLine
    against: Interval | None
    standing: Standing


@dataclass(frozen=True)
class StageChoice:
    """What was measured in a stage of training, and why the kept update is the one."""

    stage: str
    kept: int
    measured: tuple[MeasuredUpdate, ...]
    sentence: Message


def stage_choice(lines: Iterable[MetricLine], stage: str, kept: int | None) -> StageChoice | None:
    """The evidence for a stage's choice.

    Args:
        lines: Metrics of the run, of a repeated one the last.
        stage: The stage.
        kept: The update whose weights were kept; ``None`` where none was better than what the stage began with.

    Returns:
        The choice; ``None`` where nothing was kept, or it was not measured.
    """
    lines = list(lines)
    vetoed = {line.about for line in lines if isinstance(line, EventLine) and line.name == "vetoed"}
    found = {line.update: line for line in lines if isinstance(line, ValidLine) and line.stage == stage}
    if kept is None or kept not in found:
        return None
    contenders = {update: _contender(line) for update, line in found.items()}
    best = contenders[kept]
    measured = tuple(
        MeasuredUpdate(
            line=line,
            against=None if update == kept else difference(contenders[update], best),
            standing=_standing(update, kept, contenders, vetoed),
        )
        for update, line in sorted(found.items())
    )
    return StageChoice(stage, kept, measured, _sentence(best, contenders, measured))


def _contender(line: ValidLine) -> Contender:
    clips = {clip: loss for clip, loss in line.clips.items() if loss is not None and math.isfinite(loss)}
    return Contender(str(line.update), math.inf if line.loss is None else line.loss, clips)


def _standing(update: int, kept: int, contenders: Mapping[int, Contender], vetoed: Iterable[int | None]) -> Standing:
    one, best = contenders[update], contenders[kept]
    if update == kept:
        return "kept"
    if update in vetoed:
        return "vetoed"
    if not math.isfinite(one.loss):
        return "lost"
    if is_lower(one.loss, best.loss):
        return "lower"
    if difference(one, best).n < FEWEST_CLIPS:
        return "few"
    return "worse" if is_better(best, one) else "open"


def _sentence(best: Contender, contenders: Mapping[int, Contender], measured: Sequence[MeasuredUpdate]) -> Message:
    known: dict[str, Message | float | int | str] = {"best": best.name, "loss": best.loss, "clips": len(best.clips)}
    if not best.clips:
        return msg(
            "The weights of update {best} are kept: the lowest held-out loss that previews did not object to, "
            "{loss:.3f}. Whether another update is as good cannot be told, since the clips were not measured one by "
            "one.",
            **known,
        )
    if len(best.clips) < FEWEST_CLIPS:
        return msg(
            "The weights of update {best} are kept: the lowest held-out loss that previews did not object to, "
            "{loss:.3f}. Whether another update is as good cannot be told from {clips} clips; {fewest} are the fewest "
            "that tell.",
            **known,
            fewest=FEWEST_CLIPS,
        )
    rivals = [one for one in measured if one.standing in ("open", "lower")]
    if rivals:
        return msg(
            "The weights of update {best} are kept: the lowest held-out loss that previews did not object to, "
            "{loss:.3f}. It cannot be told from that of these updates: {rivals} ({clips} clips, 90 %).",
            **known,
            rivals=tuple(str(one.line.update) for one in rivals),
        )
    worse = [one for one in measured if one.standing == "worse"]
    if not worse:
        return msg("The weights of update {best} are kept; previews objected to every other.", **known)
    nearest = min(worse, key=lambda one: contenders[one.line.update].loss)
    against = difference(best, contenders[nearest.line.update])
    return msg(
        "The weights of update {best} are kept: a held-out loss of {loss:.3f}, clearly lower than that of every other "
        "measured update. The nearest, {next}, has {other:.3f} ({low:+.3f} to {high:+.3f} over {clips} clips, 90 %).",
        **known,
        next=str(nearest.line.update),
        other=contenders[nearest.line.update].loss,
        low=against.low,
        high=against.high,
    )
