"""Whether the adapter acts as strongly as suits it: the held-out loss at other strengths beside the one it has."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.strengths import LEAST_GAIN, weaker_is_better
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import msg

NAME = "strength"


def judge(run: RunData) -> list[RunFinding]:
    """A weaker adapter predicts clearly better than the one that was trained, and than the base model."""
    found = weaker_is_better(run.losses.probes if run.losses else None)
    if found is None:
        return []
    return [
        RunFinding(
            name=NAME,
            kind="worse",
            title=msg("Acts too strongly"),
            sentence=msg(
                "At a strength of {best:g} the loss is {loss:.3f}, at 1 it is {whole:.3f} (of the base {base:.3f}): "
                "the adapter acts more strongly than suits it.",
                best=found.scale,
                loss=found.loss,
                whole=found.whole,
                base=found.base,
            ),
            evidence={
                "strength": found.scale,
                "best": found.loss,
                "adapter": found.whole,
                "base": found.base,
                "limit": LEAST_GAIN,
            },
            remedy=msg("Use it at scale {best:g} (generate.adapter_scale), or train fewer updates.", best=found.scale),
        )
    ]
