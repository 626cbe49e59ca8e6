"""Which strength of an adapter suits it, by the losses at several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.records.loss_probes import LossProbes, ScaleLoss

LEAST_GAIN = 0.02
"""Of the loss at strength 1: in good runs of all families half the strength never gains as much."""


@dataclass(frozen=True)
class Weaker:
    """The best strength under 1 and its loss, beside those at strength 1 and of the base model."""

    scale: float
    loss: float
    whole: float
    base: float


def quarter_may_be_best(by_scale: Sequence[ScaleLoss]) -> bool:
    """Whether ¼ of the strength may predict better than all of it: only where ½ does.

    A loss falls towards its best strength and rises behind it; where it is not a number at ½, ¼ is asked.
    """
    losses = {one.scale: math.nan if one.loss is None else one.loss for one in by_scale}
    return not losses[0.5] >= losses[1.0]


def weaker_is_better(probes: LossProbes | None) -> Weaker | None:
    """A weaker adapter that predicts clearly better than the whole one, and than the base; ``None`` where none does."""
    if probes is None:
        return None
    losses = {one.scale: one.loss for one in probes.scales if one.loss is not None and math.isfinite(one.loss)}
    base, whole = losses.get(0.0), losses.get(1.0)
    weaker = {scale: loss for scale, loss in losses.items() if 0 < scale < 1}
    if base is None or whole is None or not weaker:
        return None
    best = min(weaker, key=lambda scale: weaker[scale])
    if weaker[best] > (1 - LEAST_GAIN) * whole or weaker[best] >= base:
        return None
    return Weaker(best, weaker[best], whole, base)
