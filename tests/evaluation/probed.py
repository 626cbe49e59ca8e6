"""Loss probes as a run would have them, for rules and causes."""

from __future__ import annotations

from tunesmith.records.loss_probes import CaptionGains, LossProbes, ProbePair, ScaleLoss, WeightChange

AT = {"off": 0.0, "quarter": 0.25, "half": 0.5, "whole": 1.0, "twice": 2.0}


def probed(
    base: float = 4.0,
    adapter: float = 3.5,
    moved: float = 0.03,
    *,
    silence: tuple[float, float] | None = None,
    gains: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
    **scales: float,
) -> LossProbes:
    """Probes of 8 training clips.

    Args:
        base: Loss of training clips before.
        adapter: The same with the adapter.
        moved: How far the weights moved.
        silence: Loss on silence behind sound, before and with the adapter.
        gains: What captions are worth: to training clips with the base, to held-out ones with the adapter.
        scales: Held-out loss by strength: ``half=3.0``.
    """
    return LossProbes(
        clips=8,
        train=ProbePair(base=base, adapter=adapter),
        swapped=None,
        held_out_clips=3,
        held_out=None,
        held_out_swapped=None,
        scales=tuple(ScaleLoss(scale=AT[name], loss=loss) for name, loss in scales.items()),
        gains=CaptionGains(base=gains[0], adapter=gains[0]) if gains else None,
        held_out_gains=CaptionGains(base=(), adapter=gains[1]) if gains else None,
        silence=ProbePair(base=silence[0], adapter=silence[1]) if silence else None,
        change=WeightChange(median=moved, largest=2 * moved, layer="layers.0.q_proj", layers=10),
    )
