"""Whether the adapter acts as strongly as suits it: the held-out loss at other strengths beside the one it has."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import msg

NAME = "strength"
_LEAST_GAIN = 0.02  # of the loss at strength 1: in good runs of all families half the strength never gains as much


def judge(run: RunData) -> list[RunFinding]:
    """A weaker adapter predicts clearly better than the one that was trained, and than the base model."""
    probes = run.losses.probes if run.losses else None
    if probes is None:
        return []
    losses = {one.scale: one.loss for one in probes.scales if one.loss is not None and math.isfinite(one.loss)}
    base, whole = losses.get(0.0), losses.get(1.0)
    weaker = {scale: loss for scale, loss in losses.items() if 0 < scale < 1}
    if base is None or whole is None or not weaker:
        return []
    best = min(weaker, key=lambda scale: weaker[scale])
    if weaker[best] > (1 - _LEAST_GAIN) * whole or weaker[best] >= base:
        return []
    return [
        RunFinding(
            name=NAME,
            kind="worse",
            title=msg("Acts too strongly"),
            sentence=msg(
                "At a strength of {best:g} the loss is {loss:.3f}, at 1 it is {whole:.3f} (of the base {base:.3f}): "
                "the adapter acts more strongly than suits it.",
                best=best,
                loss=weaker[best],
                whole=whole,
                base=base,
            ),
            evidence={"strength": best, "best": weaker[best], "adapter": whole, "base": base, "limit": _LEAST_GAIN},
            cause=msg(
                "Its alpha is too high for what it learnt, or it was trained past its best: the loss is lowest at "
                "{best:g} of its strength, after a good run at 1 or above.",
                best=best,
            ),
            remedy=msg("Use it at scale {best:g} (generate.adapter_scale), or train fewer updates.", best=best),
        )
    ]
