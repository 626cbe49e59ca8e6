"""Where ``best_model`` is decided: at a measurement, at the end of a training stage, and at the end of a run.

Held-out loss decides, and nothing else calls a checkpoint best: it has to be lower than what the stage began with and
than everything since. Previews can only object: an adapter that makes silence or noise where the base model made music
is not kept, however low its loss. That is the rule of :mod:`tunesmith.evaluation.judge`, by which runs and checkpoints
are compared too; here it is followed measurement by measurement. Previews come at their own schedule, so that the
lowest loss is a candidate until the next ones have judged it. Early stopping looks at the loss alone: how often
previews are made must not decide how long a stage trains. Everything here is pure:
:mod:`tunesmith.training.validation_loop` measures and saves, :mod:`tunesmith.training.handover` ends a stage, and
:func:`tunesmith.run.adapted.adapter_folder` reads the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tunesmith.evaluation.judge import is_lower
from tunesmith.training.progress import Progress

Verdict = Literal["unmeasured", "begins", "best", "worse"]
"""What a measurement means: nothing could be measured; it is what the stage begins with and has to beat; it is the best
so far, if its previews do not object; it is not."""

StageEnd = Literal["best", "beginning", "last"]
"""Which weights the next stage begins with: this one's best, those it began with itself, or its last ones because
nothing could measure it."""

RunEnd = Literal["kept", "last_stage", "last"]
"""What ``best_model`` is after a run: what stands there already, the last weights because the last stage could not be
measured, or the last weights because no stage found anything better than its beginning."""


@dataclass(frozen=True)
class Measurement:
    """What one round of validation measured, with the weights that would be kept.

    Attributes:
        loss: Held-out loss over the user's own clips; it alone is compared.
        terms: The loss by term; empty where no held-out clip teaches a network of the present stage.
        kinds: The loss by kind of clip, where there are several.
        forgetting: The loss over the base model's own outputs, if they are measured.
        clips: The loss of a few of the user's own held-out clips, each alone.
    """

    loss: float
    terms: Mapping[str, float]
    kinds: Mapping[str, float] = field(default_factory=dict)
    forgetting: float | None = None
    clips: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What a measurement means, and how far the stage is with it."""

    verdict: Verdict
    progress: Progress

    @property
    def best(self) -> bool:
        """Whether the present weights are the candidate for ``best_model``."""
        return self.verdict == "best"


def decide_best(measurement: Measurement, progress: Progress) -> Decision:
    """Whether the weights just measured are the candidate for ``best_model``.

    The first measurement of a stage is of what it begins with: it is never called best itself, and whatever is worse
    never will be.

    Args:
        measurement: What was measured.
        progress: Where the run stands; not changed.
    """
    loss = measurement.loss
    if not measurement.terms:
        return Decision("unmeasured", progress)
    if progress.update == progress.stage_began:
        to_beat = loss if math.isfinite(loss) else None
        return Decision("begins", replace(progress, first_loss=loss, best_loss=to_beat, lowest_loss=to_beat))
    to_beat = progress.candidates[-1][1] if progress.candidates else progress.best_loss
    # Checkpoints of earlier versions do not know the lowest loss.
    lowest = to_beat if progress.lowest_loss is None else progress.lowest_loss
    if is_lower(loss, lowest):
        counted = replace(progress, lowest_loss=loss, without_best=0)
    else:
        counted = replace(progress, without_best=progress.without_best + 1)
    if not is_lower(loss, to_beat):
        return Decision("worse", counted)
    return Decision("best", replace(counted, candidates=[*progress.candidates[:1], (progress.update, loss)]))


def judge(progress: Progress, previews: Sequence[str] = ()) -> Progress:
    """What becomes of the last candidate: the best so far, or forgotten where its previews are no sound.

    The first candidate is then the next to be judged: training may have gone wrong since.

    Args:
        progress: Where the run stands, with a candidate; not changed.
        previews: What is wrong with the previews of these very weights and not with the base model's own; nothing
            where there are no previews or all of them are sound.
    """
    if previews:
        return replace(progress, candidates=progress.candidates[:-1])
    update, loss = progress.candidates[-1]
    return replace(progress, candidates=[], best_loss=loss, best_update=update)


def out_of_patience(progress: Progress, patience: int) -> bool:
    """Whether a stage stops early: so many measurements in a row without a new best; 0 never stops."""
    return bool(patience) and progress.without_best >= patience


def nothing_best_yet(to_beat: float | None = None) -> dict[str, Any]:
    """The fields of :class:`Progress` where a stage, or a run over another one's checkpoint, begins.

    Args:
        to_beat: A held-out loss that is known already and has to be beaten.
    """
    return {
        "best_loss": to_beat,
        "best_update": None,
        "candidates": [],
        "lowest_loss": to_beat,
        "without_best": 0,
        "finished": False,
    }


def stage_end(stage: Mapping[str, Any]) -> StageEnd:
    """Which weights of a finished stage the next one begins with.

    Args:
        stage: Its record: ``first_loss``, ``best_update`` (:func:`tunesmith.training.progress.stage_record`).
    """
    if stage["first_loss"] is None:
        return "last"
    return "beginning" if stage["best_update"] is None else "best"


def run_end(stages: Sequence[Mapping[str, Any]]) -> RunEnd:
    """What becomes of ``best_model`` when a run is over.

    Args:
        stages: The records of its stages, in order.
    """
    if all(stage["best_update"] is None for stage in stages):
        return "last"
    return "last_stage" if stage_end(stages[-1]) == "last" else "kept"
