"""The test of ranks agrees with scipy's, with few values and many, with ties and without."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tunesmith.evaluation.rank_sum import lies_under


@pytest.mark.parametrize("counts", [(1, 1), (1, 9), (4, 8), (8, 30), (9, 9), (12, 100), (30, 4)])
@pytest.mark.parametrize("digits", [1, 12])
def test_p_values_are_those_of_scipy(counts, digits):
    draw = np.random.default_rng(sum(counts))
    for shift in (-1.0, 0.0, 0.5):
        values, others = (np.round(draw.normal(size=count), digits) for count in counts)
        expected = mannwhitneyu(values + shift, others, alternative="less").pvalue
        assert lies_under(values + shift, others) == pytest.approx(expected, abs=1e-12)


def test_equal_values_are_no_evidence():
    assert lies_under([1.0, 1.0, 1.0], [1.0] * 9) == 1.0
