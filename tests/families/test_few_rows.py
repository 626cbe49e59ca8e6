"""Products of a few rows from reordered weights are those of the layers themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tunesmith.families import few_rows
from tunesmith.families.few_rows import may_pack, products

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


def layers(*outputs, inputs=96):
    torch.manual_seed(0)
    return [nn.Linear(inputs, size, bias=False).requires_grad_(False) for size in outputs]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 16, 300])
@pytest.mark.parametrize("outputs", [(64,), (64, 64, 64), (33, 7)])
def test_packed_products_are_those_of_the_layers(rows, outputs):
    some = layers(*outputs)
    made = products(some, pack=may_pack(some))
    assert isinstance(made, few_rows._Packed)
    x = torch.randn(rows, 96)
    for found, layer in zip(made(x), some, strict=True):
        assert found.shape == (rows, layer.out_features)
        assert torch.allclose(found, layer(x), atol=1e-5)


def test_bf16_weights_give_bf16_products():
    some = [layer.to(torch.bfloat16) for layer in layers(64, 32)]
    x = torch.randn(2, 96, dtype=torch.bfloat16)
    for found, layer in zip(products(some, pack=may_pack(some))(x), some, strict=True):
        assert found.dtype == torch.bfloat16
        assert torch.allclose(found.float(), layer(x).float(), atol=0.02)


def test_nothing_is_packed_under_autocast_or_without_memory(monkeypatch):
    some = layers(64)
    assert may_pack(some)
    with torch.autocast("cpu", torch.bfloat16):
        assert not may_pack(some)
    monkeypatch.setattr(few_rows, "free_memory", lambda: 2 * 64 * 96 * 4 - 1)
    assert not may_pack(some)
    assert not isinstance(products(some, pack=False), few_rows._Packed)
    assert torch.equal(products(some, pack=False)(torch.ones(2, 96))[0], some[0](torch.ones(2, 96)))


def test_half_precision_keeps_its_adapter_apart():
    from peft import LoraConfig, get_peft_model

    network = get_peft_model(nn.Sequential(*layers(64)), LoraConfig(r=2, target_modules=["0"])).to(torch.bfloat16)
    some = [network.base_model.model[0]]
    assert not isinstance(products(some, pack=may_pack(some)), few_rows._Packed)
    assert isinstance(products([layer.float() for layer in some], pack=True), few_rows._Packed)
