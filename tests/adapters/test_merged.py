"""The merged weight of a layer is what the layer multiplies by, at any strength, and the layer stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tunesmith.adapters.merged import is_adapted, merged_weight
from tunesmith.adapters.scale import set_scale


def adapted(**options):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    network = get_peft_model(
        nn.Sequential(nn.Linear(24, 40, bias=False), nn.Linear(40, 8, bias=False)),
        LoraConfig(r=4, lora_alpha=6, target_modules=["0"], **options),
    )
    for name, parameter in network.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    return network.eval()


@pytest.mark.parametrize("options", [{}, {"use_dora": True}, {"use_rslora": True}], ids=["lora", "dora", "rslora"])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
@torch.no_grad()
def test_the_merged_weight_is_what_the_layer_multiplies_by(options, scale):
    network = adapted(**options)
    set_scale({"one": network}, scale)
    layer, other = network.base_model.model
    before = layer.base_layer.weight.clone()
    x = torch.randn(5, 24)
    assert is_adapted(layer) == (scale != 0) and not is_adapted(other)
    assert torch.allclose(x @ merged_weight(layer).T, layer(x), atol=1e-5)
    assert (merged_weight(layer) is layer.base_layer.weight) == (scale == 0)
    assert torch.equal(layer.base_layer.weight, before) and not layer.merged
    assert merged_weight(other) is other.weight
