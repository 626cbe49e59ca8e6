"""Every paired statement on one run, tested together: the watched signals, and the way towards the person's clips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.diagnosis.watched import Watched, watched_in
from tunesmith.evaluation.feature_shift import approach, features_of
from tunesmith.evaluation.paired import Interval, interval
from tunesmith.evaluation.sign_flips import FEWEST_PAIRS, step_down

ALPHA = 0.035
"""Of all paired statements together; what is left of 5 % is for faults that come and go by chance."""
_INTERVAL_ALPHA = 0.05


@dataclass(frozen=True)
class PairedTest:
    """One paired difference: its p-value within the family, its size and where that lies with 95 % confidence."""

    p_value: float
    size: Interval

    @property
    def told(self) -> bool:
        """Whether chance does not explain it."""
        return self.p_value <= ALPHA


@dataclass(frozen=True)
class PairedFamily:
    """All paired tests of one run; ``style`` is ``None`` without clips of the person's own."""

    changes: Sequence[tuple[Watched, PairedTest]]
    style: PairedTest | None


def paired_family(run: RunData) -> PairedFamily | None:
    """Tests a run's paired statements together; ``None`` under six pairs, which can tell nothing."""
    if run.base is None or run.pairs < FEWEST_PAIRS:
        return None
    watched = watched_in(run.profile)
    rows = [
        [
            getattr(after, each.field, math.nan) - getattr(before, each.field, math.nan)
            for before, after in zip(run.base, run.adapter, strict=True)
        ]
        for each in watched
    ]
    measured = [any(map(math.isfinite, row)) for row in rows]
    watched, rows = list(compress(watched, measured)), list(compress(rows, measured))
    base, adapter, clips = run.alike
    nearer = (
        approach(base, adapter, clips, features_of(run.profile))
        if base is not None and len(base) == len(adapter)
        else []
    )
    has_style = len(nearer) >= FEWEST_PAIRS
    width = max(len(row) for row in rows)
    family = [*rows, [*nearer, *[math.nan] * (width - len(nearer))]] if has_style else rows
    tests = [
        PairedTest(p_value, interval(differences, _INTERVAL_ALPHA))
        for p_value, differences in zip(step_down(family), family, strict=True)
    ]
    return PairedFamily(list(zip(watched, tests, strict=False)), tests[-1] if has_style else None)
