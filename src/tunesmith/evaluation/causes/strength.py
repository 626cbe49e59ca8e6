"""The adapter acts at another strength than suits it."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.strengths import weaker_is_better
from tunesmith.records.run_finding import Cause
from tunesmith.texts import msg

NAME = "strength"
_SAME = 0.02


def find_changed(run: RunData) -> Cause | None:
    """It acts at another strength than it was trained with, and its loss is not what training left."""
    training, losses = run.training, run.losses
    if training is None or losses is None or training.lost or training.strength is None or training.kept is None:
        return None
    now = losses.adapter_heldout
    if now is None or abs(training.strength - 1) < _SAME or abs(now - training.kept) <= _SAME * abs(training.kept):
        return None
    return Cause(
        name="other_strength",
        title=msg("Another strength than trained"),
        sentence=msg(
            "It acts at {strength:g} times the strength that it was trained with: its held-out loss was {kept:.3f} at "
            "the end of training and is {now:.3f} now (in a sound run both are equal).",
            strength=training.strength,
            kept=training.kept,
            now=now,
        ),
        remedy=msg(
            "Use it at scale {scale:.3g}, or give its file the alpha of the training back; it need not be trained "
            "again.",
            scale=1 / training.strength,
        ),
        evidence={"strength": training.strength, "kept": training.kept, "now": now},
    )


def find(run: RunData) -> Cause | None:
    """A weaker adapter predicts clearly better than the one that was trained, and than the base model."""
    found = weaker_is_better(run.losses.probes if run.losses else None)
    if found is None:
        return None
    return Cause(
        name=NAME,
        title=msg("Acts too strongly"),
        sentence=msg(
            "Its alpha is too high for what it learnt, or it was trained past its best: the loss is lowest at "
            "{scale:g} of its strength ({loss:.3f}; {whole:.3f} at 1), after a good run at 1 or above.",
            scale=found.scale,
            loss=found.loss,
            whole=found.whole,
        ),
        remedy=msg("Use it at scale {best:g} (generate.adapter_scale), or train fewer updates.", best=found.scale),
        evidence={"strength": found.scale, "best": found.loss, "adapter": found.whole, "base": found.base},
    )
