"""The adapter's weights, or its alpha, are zero: it cannot do anything."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause
from tunesmith.texts import msg


def find(run: RunData) -> Cause | None:
    """No layer moves its weights at all."""
    change = run.losses.probes.change if run.losses and run.losses.probes else None
    if change is None or change.largest > 0:
        return None
    return Cause(
        name="zero",
        title=msg("An adapter of zeros"),
        sentence=msg(
            "None of its {layers} layers moves the weights at all (after a good run they move by 1 % to 40 %): "
            "its weights or its alpha are 0.",
            layers=change.layers,
        ),
        remedy=msg("Its weights or its alpha are 0: export or train it anew; training longer does not help."),
        evidence={"largest": change.largest, "layers": change.layers},
    )
