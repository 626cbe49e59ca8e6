"""The released vocoder's tensors, counted on modules without weights."""

from __future__ import annotations

import pytest
import torch

from tests.families.step_audio.test_hift import old_names, with_weight_norm
from tunesmith.families.component import fold_weight_norm
from tunesmith.families.step_audio.config import HiftConfig
from tunesmith.families.step_audio.parts.hift import Hift

# Of the released hift.pt: pairs of weight norm as it is, one weight for each pair once merged.
PUBLISHED_TENSORS, MERGED_TENSORS = 328, 246
PUBLISHED_PARAMETERS = 20.8e6


def full_size() -> Hift:
    with torch.device("meta"):
        return Hift(HiftConfig())


def test_published_sizes_are_the_defaults():
    state = full_size().state_dict()
    assert len(state) == MERGED_TENSORS
    assert sum(tensor.numel() for tensor in state.values()) == pytest.approx(PUBLISHED_PARAMETERS, rel=1e-3)


@pytest.mark.parametrize("spell", [dict, old_names])
def test_the_published_file_folds_to_what_is_built(spell):
    raw = spell(with_weight_norm(full_size()))
    assert len(raw) == PUBLISHED_TENSORS
    built = {name: tensor.shape for name, tensor in full_size().state_dict().items()}
    assert {name: tensor.shape for name, tensor in fold_weight_norm(raw).items()} == built


def test_published_names_and_shapes():
    """A sample of every kind of tensor, as the released file spells it."""
    shapes = {name: tuple(tensor.shape) for name, tensor in with_weight_norm(full_size()).items()}
    expected = {
        "conv_pre.parametrizations.weight.original0": (512, 1, 1),
        "conv_pre.parametrizations.weight.original1": (512, 80, 7),
        "ups.0.parametrizations.weight.original1": (512, 256, 16),
        "ups.2.bias": (64,),
        "source_downs.0.weight": (256, 18, 30),
        "source_downs.1.weight": (128, 18, 6),
        "source_downs.2.weight": (64, 18, 1),
        "source_resblocks.2.convs2.2.parametrizations.weight.original1": (64, 64, 11),
        "source_resblocks.0.activations1.0.alpha": (256,),
        "resblocks.8.convs1.2.parametrizations.weight.original1": (64, 64, 11),
        "resblocks.0.activations2.2.alpha": (256,),
        "conv_post.parametrizations.weight.original1": (18, 64, 7),
        "m_source.l_linear.weight": (1, 9),
        "f0_predictor.condnet.8.parametrizations.weight.original1": (512, 512, 3),
        "f0_predictor.classifier.weight": (1, 512),
    }
    assert {name: shapes[name] for name in expected} == expected
