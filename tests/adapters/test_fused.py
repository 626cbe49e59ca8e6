"""Frozen layers with their adapters as one function, against PEFT's own forward."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from tunesmith.adapters import frozen_products
from tunesmith.adapters.fused import fused

WIDTH = 256
"""Wide enough for products by oneDNN."""


class Net(nn.Module):
    """Two layers that take an adapter, one with a bias, and one that takes none."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(WIDTH, 2 * WIDTH, bias=False), nn.Linear(2 * WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Through all three."""
        return self.head(torch.tanh(self.last(torch.tanh(self.first(x)))))  # type: ignore[no-any-return]


def adapted(**settings: object) -> nn.Module:
    """A net with an adapter that has an effect."""
    torch.manual_seed(0)
    net: nn.Module = get_peft_model(Net(), LoraConfig(r=4, lora_alpha=6, target_modules=["first", "last"], **settings))
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    return net


def gradients(net: nn.Module, x: torch.Tensor, kind: torch.dtype | None = None) -> list[torch.Tensor]:
    """The output, and the gradients of the input and of all that trains."""
    given = x.clone().requires_grad_(True)
    net.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=kind is not None):
        made = net(given)
    made.float().square().sum().backward()
    return [made.detach(), given.grad, *(p.grad for p in net.parameters() if p.requires_grad)]  # type: ignore[list-item]


@pytest.fixture(params=[False, True], ids=["mkl", "onednn"])
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way to multiply, whatever this CPU prefers."""
    if request.param and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(frozen_products, "cpu_prefers_onednn", lambda: request.param)


def forwards(net: nn.Module) -> list[str]:
    """Which layers are computed in one."""
    return [name.removeprefix("base_model.model.") for name, layer in net.named_modules() if "forward" in vars(layer)]


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.transpose(0, 1), lambda x: x[:, :0], lambda x: x[0, 0]])
def test_outputs_and_gradients_are_those_of_the_layers(view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    net, x = adapted(), view(torch.randn(3, 50, WIDTH))
    expected = gradients(net, x)
    with fused([net]):
        assert {"first", "last"} <= set(forwards(net))
        got = gradients(net, x)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert not forwards(net)
    torch.testing.assert_close(gradients(net, x), expected, rtol=0, atol=0)


def test_frozen_layers_without_adapter_go_to_onednn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_products, "cpu_prefers_onednn", lambda: True)
    net = adapted()
    net.get_submodule("base_model.model.head").requires_grad_(False)
    with fused([net]):
        assert "head" in forwards(net)
    net.get_submodule("base_model.model.head").requires_grad_(True)
    with fused([net]):
        assert "head" not in forwards(net)


@pytest.mark.usefixtures("products")
def test_half_precision_is_autocasts() -> None:
    net, x = adapted(), torch.randn(3, 50, WIDTH)
    for name, parameter in net.named_parameters():
        if "lora" not in name:
            parameter.data = parameter.data.bfloat16()
    exact = gradients(copy.deepcopy(net).float(), x)
    with fused([net]):
        got = gradients(net, x, torch.bfloat16)
    assert got[0].dtype == torch.bfloat16
    for one, other in zip(got, exact, strict=True):
        assert (one.float() - other).norm() <= 0.02 * other.norm()


@pytest.mark.usefixtures("products")
def test_a_base_held_in_fp32_under_autocast_stays_as_it_is() -> None:
    net, x = adapted(), torch.randn(3, 50, WIDTH)
    expected = gradients(net, x, torch.bfloat16)
    with fused([net]):
        got = gradients(net, x, torch.bfloat16)
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


@pytest.mark.parametrize("settings", [{"use_dora": True}, {"lora_dropout": 0.1}, {"lora_bias": True}])
def test_other_adapters_stay_pefts(settings: dict[str, object]) -> None:
    net = adapted(**settings)
    with fused([net]):
        assert not {"first", "last"} & set(forwards(net))


def test_a_base_that_trains_an_adapter_switched_off_and_a_compiled_block_stay_as_they_are() -> None:
    net = adapted()
    net.get_submodule("base_model.model.first.base_layer").requires_grad_(True)
    with fused([net]):
        assert "first" not in forwards(net)
    net = adapted()
    with net.disable_adapter(), fused([net]):  # type: ignore[operator]
        assert "first" not in forwards(net)
    net.get_submodule("base_model.model.last").compile()
    with fused([net]):
        assert "last" not in forwards(net)
        assert "first" in forwards(net)


def test_checkpointed_blocks_are_computed_again_inside() -> None:
    from torch.utils.checkpoint import checkpoint

    net, x = adapted(), torch.randn(2, 20, WIDTH)
    expected = gradients(net, x)

    class Checkpointed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return checkpoint(net, x, use_reentrant=False)  # type: ignore[no-any-return]

    again = Checkpointed()
    again.net = net
    with fused([net]):
        got = gradients(again, x)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_which_cpus_prefer_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    def prefers(vendor: str, capability: str) -> bool:
        monkeypatch.setattr(frozen_products, "_vendor", lambda: vendor)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        return frozen_products.cpu_prefers_onednn.__wrapped__()

    assert prefers("vendor_id\t: AuthenticAMD", "AVX512")
    assert not prefers("vendor_id\t: AuthenticAMD", "AVX2")
    assert not prefers("vendor_id\t: GenuineIntel", "AVX512")


def test_small_matrices_stay_torchs() -> None:
    assert not frozen_products.by_onednn(torch.zeros(64, 64))
