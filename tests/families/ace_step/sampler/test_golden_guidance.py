"""Guidance against upstream's own functions, on velocities of the file's own shape.

The file does not hold its scales: 15 for APG (4 where eta is 0.5), 7 for the others, 5 and 1.5 for the double
condition; APG's conditional velocity grows by 0.1 per call.
"""

from __future__ import annotations

import pytest

from tests.golden_files import assert_close, golden_tensors
from tunesmith.families.ace_step.sampler.guidance import Momentum, apg, cfg, cfg_star, double_condition

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def golden():
    return golden_tensors("ace_step/guidance")[0]


def numbered(golden, prefix):
    """Entries ``prefix0``, ``prefix1``, ... in order."""
    found = [(int(key[len(prefix) :]), value) for key, value in golden.items() if key.startswith(prefix)]
    assert len(found) > 1
    return sorted(found)


def test_golden_apg_with_momentum(golden):
    momentum = Momentum()
    for call, wanted in numbered(golden, "apg.step"):
        ours = apg(golden["in.cond"] + 0.1 * call, golden["in.uncond"], 15.0, momentum)
        assert_close(f"call {call}", ours, wanted, TOLERANCE)


def test_golden_apg_without_momentum(golden):
    assert_close("apg", apg(golden["in.cond"], golden["in.uncond"], 15.0), golden["apg.no_momentum"], TOLERANCE)


def test_golden_apg_keeps_half_of_the_parallel_part(golden):
    ours = apg(golden["in.cond"], golden["in.uncond"], 4.0, threshold=None, parallel=0.5)
    assert_close("apg", ours, golden["apg.eta0_5_nothreshold"], TOLERANCE)


def test_golden_cfg(golden):
    assert_close("cfg", cfg(golden["in.cond"], golden["in.uncond"], 7.0), golden["cfg.7"], TOLERANCE)


def test_golden_cfg_star(golden):
    for call, wanted in numbered(golden, "cfg_star.i"):
        ours = cfg_star(golden["in.cond"], golden["in.uncond"], 7.0, call)
        assert_close(f"call {call}", ours, wanted, TOLERANCE)


def test_golden_double_condition(golden):
    ours = double_condition(golden["in.cond"], golden["in.uncond"], golden["in.only_text"], 5.0, 1.5)
    assert_close("double", ours, golden["double.5.1_5"], TOLERANCE)
