"""Text states and weak text states against upstream's padded batch, at the positions its mask keeps.

Padded positions are left out: every text is encoded alone, so there are none.
"""

from __future__ import annotations

import pytest
import torch

from tests.golden_files import assert_close, golden_path, golden_tensors
from tunesmith.families.ace_step.config import read_config
from tunesmith.families.ace_step.parts.text_encoder import TextEncoder


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    folder = golden_path("ace_step/tiny_checkpoint")
    return TextEncoder(folder, read_config(folder), "cpu")


@pytest.mark.parametrize(("method", "key"), [("states", "out.hidden"), ("weak_states", "out.hidden_erg_null")])
def test_golden_states(encoder, method, key):
    tensors, settings = golden_tensors("ace_step/text_encoder")
    ours = getattr(encoder, method)(settings["texts"])
    for text, states, theirs, mask in zip(settings["texts"], ours, tensors[key], tensors["out.mask"], strict=True):
        assert_close(text, torch.from_numpy(states), theirs[mask.bool()])


def test_golden_weak_states_differ_and_leave_no_trace(encoder):
    texts = golden_tensors("ace_step/text_encoder")[1]["texts"][:1]
    before, weak, after = encoder.states(texts)[0], encoder.weak_states(texts)[0], encoder.states(texts)[0]
    assert abs(before - weak).max() > 1e-4
    assert (before == after).all()
