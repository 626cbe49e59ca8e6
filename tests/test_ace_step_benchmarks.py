"""The ACE-Step benchmarks measure what they say: the published sizes, upstream's adapter, and lines that run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tunesmith.adapters.attach import attach
from tunesmith.adapters.parameters import trainable
from tunesmith.adapters.settings import AdapterRecipe

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_random_checkpoints_have_the_published_sizes():
    from transformers import HubertConfig, HubertModel, UMT5Config, UMT5EncoderModel

    import ace_step_models as models
    from tunesmith.families.ace_step.parts.dcae import make_dcae
    from tunesmith.families.ace_step.parts.weights import manifest

    tensors = manifest(models.transformer_config())
    assert len(tensors) == 874
    assert sum(math.prod(shape) for shape in tensors.values()) == 3_305_659_264
    with torch.device("meta"):
        assert count(make_dcae(models.DCAE_CONFIG)) == 156_812_426
        assert count(UMT5EncoderModel(UMT5Config(**models.TEXT_CONFIG))) == 281_861_376
        for name, millions in (("mert", 315), ("m-hubert", 94)):
            assert round(count(HubertModel(HubertConfig(**models.SSL_CONFIGS[name]))) / 1e6) == millions


@pytest.mark.parametrize(("layers", "width", "trained"), [(8, 1024, 43_384_832), (24, 2560, 261_881_856)])
def test_both_sides_train_the_same_adapter(layers, width, trained):
    import ace_step_arms as arms
    from ace_step_models import transformer_config

    family = arms.unwritten_family(transformer_config(layers, width), "meta")
    adapter = AdapterRecipe.model_validate(arms.UPSTREAM_ADAPTER)
    networks = attach(family.networks.load(), adapter, family.adapters.defaults(), 0)
    assert sum(parameter.numel() for parameter in trainable(networks).values()) == trained


def test_checkpointing_counts_the_blocks_once_more():
    import ace_step_arms as arms
    from ace_step_flops import our_step
    from ace_step_models import tiny_config

    work, adapter = arms.Work(1, 2.0, 8), {"rank": 4, "alpha": 4}
    kept = our_step(tiny_config(), work, adapter, ssl=False, checkpointing=False)
    recomputed = our_step(tiny_config(), work, adapter, ssl=False, checkpointing=True)
    twice = our_step(tiny_config(), arms.Work(2, 2.0, 8), adapter, ssl=False, checkpointing=False)
    assert 1.3 < recomputed / kept < 1.6
    assert twice / kept == pytest.approx(2, rel=0.01)
