"""A fade too slight for any single clip, seen over the group."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis import fade
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.diagnosis.shares import in_the_data
from tunesmith.evaluation.rank_sum import lies_under
from tunesmith.evaluation.reference_stats import finite
from tunesmith.evaluation.signals import Signals
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import NOTHING, msg

_ALPHA = 0.01
_FEWEST_OUTPUTS, _FEWEST_CLIPS = 4, 8
_LEAST_DB_PER_S = 0.2  # 2.4 dB over 12 s; less is not heard as a fade


def judge(run: RunData) -> list[RunFinding]:
    """Whether the outputs fall faster than the person's own clips do, by Mann-Whitney at 1 %.

    Four outputs against a hundred crops already see a fade of 6 dB over a clip, with under 1 % false alarms.
    """
    if run.profile == "speech":
        return []  # a sentence falls by nature, the more the shorter it is
    slopes, reference = _slopes(run.adapter), _slopes(run.clips)
    if len(slopes) < _FEWEST_OUTPUTS or len(reference) < _FEWEST_CLIPS:
        return []
    p_value = lies_under(slopes, reference)
    difference = float(np.median(slopes) - np.median(reference))
    if p_value >= _ALPHA or difference > -_LEAST_DB_PER_S:
        return []
    base = _slopes(run.base or ())
    base_p = lies_under(base, reference) if len(base) >= _FEWEST_OUTPUTS else math.nan
    base_too = base_p < _ALPHA and float(np.median(base) - np.median(slopes)) < _LEAST_DB_PER_S
    cause, remedy = in_the_data(fade.RULE, run, base_too=base_too)
    return [
        RunFinding(
            name="fade_group",
            kind="same" if base_too else "worse",
            title=msg("Slight fade"),
            sentence=msg(
                "The outputs lose {lost:.2f} dB per second, your own clips {own_lost:.2f} (p = {p_value:.1g}, "
                "{outputs} outputs against {clips} clips){base_too}.",
                lost=-float(np.median(slopes)),
                own_lost=-float(np.median(reference)),
                p_value=p_value,
                outputs=len(slopes),
                clips=len(reference),
                base_too=msg("; the base model does so as well") if base_too else NOTHING,
            ),
            evidence={"p_value": p_value, "base_p_value": base_p, "difference": difference, "n": len(slopes)},
            cause=cause,
            remedy=remedy,
        )
    ]


def _slopes(clips: Sequence[Signals]) -> np.ndarray:
    return finite([clip.fade_slope for clip in clips if clip.live and not clip.at_end > 0])
