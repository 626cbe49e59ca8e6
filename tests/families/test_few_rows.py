"""Products of a few rows from reordered weights are those of the layers themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tunesmith.families import few_rows
from tunesmith.families.few_rows import may_reorder, products, reordered

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


def layers(*outputs, inputs=96):
    torch.manual_seed(0)
    return [nn.Linear(inputs, size, bias=False).requires_grad_(False) for size in outputs]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 16, 300])
@pytest.mark.parametrize("outputs", [(64,), (64, 64, 64), (33, 7)])
def test_products_of_reordered_weights_are_those_of_the_layers(rows, outputs):
    some = layers(*outputs)
    made = products(some, reorder=may_reorder(some))
    assert isinstance(made, few_rows._Reordered)
    x = torch.randn(rows, 96)
    for found, layer in zip(made(x), some, strict=True):
        assert found.shape == (rows, layer.out_features)
        assert torch.allclose(found, layer(x), atol=1e-5)


def test_bf16_weights_give_bf16_products():
    some = [layer.to(torch.bfloat16) for layer in layers(64, 32)]
    x = torch.randn(2, 96, dtype=torch.bfloat16)
    for found, layer in zip(products(some, reorder=may_reorder(some))(x), some, strict=True):
        assert found.dtype == torch.bfloat16
        assert torch.allclose(found.float(), layer(x).float(), atol=0.02)


def test_nothing_is_reordered_under_autocast_or_without_memory(monkeypatch):
    some = layers(64)
    assert may_reorder(some)
    with torch.autocast("cpu", torch.bfloat16):
        assert not may_reorder(some)
    monkeypatch.setattr(few_rows, "free_memory", lambda: 2 * 64 * 96 * 4 - 1)
    assert not may_reorder(some)
    assert not isinstance(products(some, reorder=False), few_rows._Reordered)
    assert torch.equal(products(some, reorder=False)(torch.ones(2, 96))[0], some[0](torch.ones(2, 96)))


def test_half_precision_keeps_its_adapter_apart():
    from peft import LoraConfig, get_peft_model

    network = get_peft_model(nn.Sequential(*layers(64)), LoraConfig(r=2, target_modules=["0"])).to(torch.bfloat16)
    some = [network.base_model.model[0]]
    assert not isinstance(products(some, reorder=may_reorder(some)), few_rows._Reordered)
    assert isinstance(products([layer.float() for layer in some], reorder=True), few_rows._Reordered)


def _network(**options):
    from peft import LoraConfig, get_peft_model

    first, second = layers(64)[0], layers(8, inputs=64)[0]
    network = get_peft_model(
        nn.Sequential(first, nn.GELU(), second), LoraConfig(r=2, target_modules=["0"], **options)
    ).eval()
    for name, parameter in network.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    return network


@torch.no_grad()
def test_a_network_multiplies_by_reordered_weights_for_a_while(monkeypatch):
    network, x = _network(), torch.randn(2, 5, 96)
    wanted, made = network(x), []
    plain = few_rows._Reordered.__call__
    monkeypatch.setattr(
        few_rows._Reordered, "__call__", lambda self, rows: made.append(rows.shape) or plain(self, rows)
    )
    with reordered(network):
        assert torch.allclose(network(x), wanted, atol=1e-5)
    assert made == [(10, 96), (10, 64)]
    assert torch.equal(network(x), wanted) and len(made) == 2
    with pytest.raises(KeyError), reordered(network):
        raise KeyError
    assert torch.equal(network(x), wanted) and len(made) == 2


@torch.no_grad()
def test_quantised_layers_are_left_alone():
    class Other(nn.Linear):
        pass

    network = nn.Sequential(Other(8, 8, bias=False), nn.Linear(8, 8), nn.Linear(8, 8, bias=False))
    with reordered(network):
        assert ["forward" in vars(layer) for layer in network] == [False, False, True]
