"""Losses of base and adapter side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith.evaluation.diagnosis import Losses
    from tunesmith.evaluation.speech.edit_types import PairedLosses
    from tunesmith.families.loss_terms import LossResult
    from tunesmith.records.loss_probes import LossProbes


@dataclass(frozen=True)
class LossPair:
    """Held-out and base-style losses of both, and probes; of speech, also of every held-out clip by edit type.

    ``unreadable`` counts held-out clips that are there and cannot be read any more.
    """

    base: LossResult | None
    adapter: LossResult | None
    base_style: tuple[float, float] | None
    clips: int
    by_type: PairedLosses = field(default_factory=dict)
    probes: LossProbes | None = None
    unreadable: int = 0


def as_losses(pair: LossPair | None) -> Losses | None:
    """The losses as the diagnosis wants them."""
    from tunesmith.evaluation.diagnosis import Losses

    if pair is None:
        return None
    style = pair.base_style or (None, None)
    return Losses(
        base_heldout=pair.base.loss if pair.base else None,
        adapter_heldout=pair.adapter.loss if pair.adapter else None,
        base_forgetting=style[0],
        adapter_forgetting=style[1],
        heldout_clips=pair.clips,
        by_type=pair.by_type,
        probes=pair.probes,
        base_terms=pair.base.terms if pair.base else {},
    )
