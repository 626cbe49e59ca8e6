"""The adapter sits on another base model than the one it was trained on."""

from __future__ import annotations

from tunesmith.evaluation.causes.objective import moved_base
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause
from tunesmith.texts import msg


def find(run: RunData) -> Cause | None:
    """Another base is measured than was trained on, and its own loss on the same clips differs from what it was."""
    moved = moved_base(run)
    if run.training is None or not run.training.other_base or moved is None:
        return None
    then, now = moved
    return Cause(
        name="other_base",
        title=msg("Another base model"),
        sentence=msg(
            "It was trained on `{then_name}` and is measured on `{now_name}`: without an adapter the loss on the same "
            "held-out clips was {then:.3f} in training and is {now:.3f} now.",
            then_name=run.training.base_then,
            now_name=run.training.base_now,
            then=then,
            now=now,
        ),
        remedy=msg("Use it with the base model that it was trained on."),
        evidence={"then": then, "now": now},
    )
