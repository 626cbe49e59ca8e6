"""Captions do not say what the clips are: no clip is predicted better under its own one than under another's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause
from tunesmith.texts import msg

_FEWEST = 5
_ALPHA = 0.2


def find(run: RunData) -> Cause | None:
    """Own captions are worth nothing to the base model, and what the adapter made of them holds for no other clip."""
    probes = run.losses.probes if run.losses else None
    if probes is None or probes.gains is None or run.losses is None or run.losses.adapter_heldout is None:
        return None
    base = _known([*probes.gains.base, *(probes.held_out_gains.base if probes.held_out_gains else ())])
    held = _known(probes.held_out_gains.adapter) if probes.held_out_gains else []
    if len(base) < _FEWEST or _mean(base) > 0 or _is_positive(base) or _mean(held) > 0:
        return None
    return Cause(
        name="captions",
        title=msg("Captions of other clips"),
        sentence=msg(
            "The base model predicts your clips no better under their own captions than under those of others "
            "({base:+.3f} in the mean of {clips} clips; where captions fit, their own ones gain), and with the adapter "
            "held-out clips gain nothing of them either ({held:+.3f}): the captions belong to other clips, or say "
            "nothing of what is heard.",
            base=_mean(base),
            clips=len(base),
            held=_mean(held),
        ),
        remedy=msg("Listen to some clips with their captions in view; mend the captions, then train again."),
        evidence={"base": _mean(base), "held_out": _mean(held) if held else None, "clips": len(base)},
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and np.isfinite(value)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _is_positive(gains: Sequence[float]) -> bool:
    """Whether own captions help: one-sided Wilcoxon at 20 %, so that a hint is enough to say nothing."""
    from scipy.stats import wilcoxon

    return bool(wilcoxon(gains, alternative="greater").pvalue < _ALPHA)
