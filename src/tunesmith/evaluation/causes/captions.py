"""Captions do not say what the clips are: no clip is predicted better under its own one than under another's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause
from tunesmith.texts import msg

_FEWEST = 5
_ALPHA = 0.02
_LEAST = 0.2  # of the size of the base's gains: good runs leave 0.3 of it and more, captions of other clips under 0.18


def find(run: RunData) -> Cause | None:
    """Own captions are worth nothing for certain to the base model, and hardly anything to the adapter."""
    probes = run.losses.probes if run.losses else None
    if probes is None or probes.gains is None or run.losses is None or run.losses.adapter_heldout is None:
        return None
    base = _known([*probes.gains.base, *(probes.held_out_gains.base if probes.held_out_gains else ())])
    tuned = _known([*probes.gains.adapter, *(probes.held_out_gains.adapter if probes.held_out_gains else ())])
    size = float(np.mean(np.abs(base))) if base else 0.0
    if len(base) < _FEWEST or _is_positive(base) or _mean(tuned) >= _LEAST * size:
        return None
    return Cause(
        name="captions",
        title=msg("Captions of other clips"),
        sentence=msg(
            "The base model predicts your clips no better under their own captions than under those of others, by more "
            "than chance ({base:+.3f} ± {size:.3f} over {clips} clips), and to the adapter they are worth "
            "{tuned:+.3f} (where captions fit, 30 % of {size:.3f} or more): the captions belong to other clips, or say "
            "nothing of what is heard.",
            base=_mean(base),
            size=size,
            clips=len(base),
            tuned=_mean(tuned),
        ),
        remedy=msg("Listen to some clips with their captions in view; mend the captions, then train again."),
        evidence={"base": _mean(base), "adapter": _mean(tuned), "size": size, "clips": len(base)},
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and np.isfinite(value)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _is_positive(gains: Sequence[float]) -> bool:
    """Whether own captions help for certain: one-sided Wilcoxon at 2 %."""
    from scipy.stats import wilcoxon

    return bool(wilcoxon(gains, alternative="greater").pvalue < _ALPHA)
