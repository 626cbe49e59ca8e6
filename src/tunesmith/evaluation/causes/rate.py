"""The learning rate is too high: weights were thrown about, and nothing was learnt that holds."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.recipe.models import TrainRecipe
from tunesmith.records.run_finding import Cause
from tunesmith.texts import msg

_FAR = 1.0  # ‖ΔW‖ / ‖W‖ in the median
_LOWER = 30.0


def find(run: RunData) -> Cause | None:
    """The adapter's update is larger than the weights themselves."""
    change = run.losses.probes.change if run.losses and run.losses.probes else None
    if change is None or run.training is None or change.median < _FAR:
        return None
    rate = run.training.learning_rate
    return Cause(
        name="rate",
        title=msg("Learning rate too high"),
        sentence=msg(
            "What it adds to the weights is {share:.3g} times as large as they are in the median (0.01 to 0.4 after a "
            "good run): the learning rate of {rate:g} threw them about (the default is {default:g}).",
            share=change.median,
            rate=rate,
            default=TrainRecipe().learning_rate,
        ),
        remedy=msg("Train again with train.learning_rate={lower:.2g}.", lower=rate / _LOWER),
        evidence={"median": change.median, "learning_rate": rate, "limit": _FAR},
    )
