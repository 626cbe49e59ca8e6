"""A part of a network that is trained itself: it is kept, loaded, scaled and averaged like an adapter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tunesmith.adapters.attach import attach
from tunesmith.adapters.files import load_adapter, recipe_of, save_adapter
from tunesmith.adapters.full import WEIGHTS, FullTuning, load_tuning, save_tuning, targets_of, tune_in_full, tuning_of
from tunesmith.adapters.parameters import ParameterKey, trainable
from tunesmith.adapters.scale import set_scale
from tunesmith.adapters.settings import AdapterDefaults, AdapterRecipe
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.training.ema import Ema

DEFAULTS = {"a": AdapterDefaults(("in",), 2, 2, full=("out",)), "b": AdapterDefaults(("in",), 2, 2)}


class Net(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.add_module("in", nn.Linear(width, width))
        self.out, self.outer = nn.Linear(width, 3), nn.Linear(3, 2)
        self.requires_grad_(False)


def moved(tuning: FullTuning, by: float) -> None:
    with torch.no_grad():
        for parameter in tuning.parameters.values():
            parameter.add_(by)


@pytest.fixture
def net():
    return tune_in_full(Net(), ("out",), "net")


@pytest.fixture
def tuning(net):
    return tuning_of(net)


def test_only_what_is_named_trains(net, tuning):
    assert set(tuning.parameters) == {"out.weight", "out.bias"}  # `outer` begins alike and is another part
    assert {name for name, p in net.named_parameters() if p.requires_grad} == set(tuning.parameters)
    assert tuning_of(Net()) is None


def test_a_single_parameter_and_several_parts_may_be_named():
    assert set(FullTuning(Net(), ("in.weight", "outer"), "net").parameters) == {
        "in.weight",
        "outer.weight",
        "outer.bias",
    }


@pytest.mark.parametrize("targets", [(), ("nowhere",), ("out", "nowhere")])
def test_names_of_nothing_are_refused(targets):
    with pytest.raises(TunesmithError, match="nothing of `net` can be trained in full"):
        FullTuning(Net(), targets, "net")


def test_scale_goes_straight_from_the_base_to_what_was_trained(net, tuning):
    base = net.out.weight.clone()
    moved(tuning, 0.25)
    tuned = net.out.weight.clone()
    for scale in (0.5, 0.0, 2.0, 1.0, 0.0, 0.25, 1.0):  # in any order, from any other
        tuning.set_scale(scale)
        assert torch.allclose(net.out.weight, base + scale * 0.25, atol=1e-7)
    assert torch.equal(net.out.weight, tuned)
    tuning.set_scale(0.0)
    assert torch.allclose(net.out.weight, base, atol=1e-7)
    assert torch.equal(tuning.state()["out.weight"], tuned)  # what is kept is what was trained, whatever is heard


def test_scale_goes_with_the_averaged_weights(net, tuning):
    parameters = trainable({"net": net})
    average = Ema(parameters, 0.9)
    base = net.out.weight.clone()
    moved(tuning, 1.0)
    average.update(1)
    raw, shadow = net.out.weight.clone(), average.shadow[ParameterKey("net", "out.weight")].clone()
    assert not torch.allclose(shadow, raw)
    with average.applied():
        for scale in (0.0, 0.5, 1.0):
            set_scale({"net": net}, scale)
            assert torch.allclose(net.out.weight, base.lerp(shadow, scale), atol=1e-6)
    assert torch.equal(net.out.weight, raw)


def test_an_average_moves_only_with_what_trains(net):
    parameters = trainable({"net": net})
    average = Ema(parameters, 0.9)
    parameters[ParameterKey("net", "out.bias")].requires_grad_(False)
    before = average.shadow[ParameterKey("net", "out.bias")].clone()
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(1.0)
    average.update(1)
    assert torch.equal(average.shadow[ParameterKey("net", "out.bias")], before)
    assert not torch.equal(average.shadow[ParameterKey("net", "out.weight")], net.out.weight - 1)


def test_it_is_saved_and_loaded_to_the_last_bit(net, tuning, tmp_path):
    moved(tuning, 0.1)
    save_tuning(tuning, tmp_path, "some/base")
    assert read_json(tmp_path / "tuning.json")["base_model_name_or_path"] == "some/base"
    assert targets_of(tmp_path) == ("out",)
    other = tune_in_full(Net(), ("out",), "net")
    load_tuning(tuning_of(other), tmp_path)
    assert torch.equal(other.out.weight, net.out.weight) and torch.equal(other.out.bias, net.out.bias)


def test_what_was_not_trained_yet_is_kept_as_nothing_and_loads_as_the_base(net, tuning, tmp_path):
    base = net.out.weight.clone()
    save_tuning(tuning, tmp_path, "base")
    assert not (tmp_path / WEIGHTS).exists() and tuning.state() == {}
    moved(tuning, 1.0)
    load_tuning(tuning, tmp_path)
    assert torch.equal(net.out.weight, base)


def test_half_precision_bases_are_kept_in_full(tmp_path):
    half = tune_in_full(Net().bfloat16(), ("out",), "net")
    for parameter in trainable({"net": half}).values():
        parameter.data = parameter.data.float()  # as a run does on a GPU
    tuning = tuning_of(half)
    assert tuning.state() == {}
    moved(tuning, 1e-5)
    assert tuning.state()["out.weight"].dtype == torch.float32
    tuning.set_scale(0.0)
    assert torch.equal(half.out.weight, tuning.base["out.weight"].float())


@pytest.mark.parametrize("width", [4, 5])
def test_weights_of_another_network_are_refused_and_nothing_changes(tmp_path, width):
    source = tune_in_full(Net(width), ("out",) if width == 5 else ("outer",), "net")
    moved(tuning_of(source), 1.0)
    save_tuning(tuning_of(source), tmp_path, "base")
    target = tune_in_full(Net(), ("out",), "net")
    before = target.out.weight.clone()
    with pytest.raises(TunesmithError, match="do not fit") as refused:
        load_tuning(tuning_of(target), tmp_path)
    assert str(tmp_path) in str(refused.value) and torch.equal(target.out.weight, before)


def test_damaged_and_absent_weights_are_a_sentence(tuning, tmp_path):
    with pytest.raises(TunesmithError, match="no trained weights"):
        load_tuning(tuning, tmp_path)
    moved(tuning, 1.0)
    save_tuning(tuning, tmp_path, "base")
    (tmp_path / WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(TunesmithError, match="cannot be read"):
        load_tuning(tuning, tmp_path)


def changed(networks: dict[str, nn.Module]) -> dict[str, nn.Module]:
    with torch.no_grad():
        for number, parameter in enumerate(trainable(networks).values()):
            parameter.add_(0.01 * (number + 1))
    return networks


@pytest.mark.parametrize(
    ("recipe", "networks", "files"),
    [
        ({"networks": {"a": {"kind": "full"}}}, ("a", "b"), {"a/tuned.safetensors", "b/adapter_model.safetensors"}),
        ({"kind": "full"}, ("a",), {"tuned.safetensors"}),
        ({"rank": 3, "alpha": 6}, ("b",), {"adapter_model.safetensors"}),
        ({"rank": 3, "networks": {"b": {"rank": 1, "alpha": 2}}}, ("a", "b"), {"a/adapter_model.safetensors"}),
        ({"kind": "full", "targets": ["in", "outer"]}, ("a",), {"tuned.safetensors"}),
    ],
)
def test_every_kind_comes_back_by_its_folder_alone(recipe, networks, files, tmp_path):
    values = AdapterRecipe.model_validate(recipe)
    defaults = {name: DEFAULTS[name] for name in networks}
    made = changed(attach({name: Net() for name in networks}, values, defaults, seed=0))
    save_adapter(made, tmp_path, "base")
    assert files <= {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.safetensors")}
    again = attach({name: Net() for name in networks}, recipe_of(tmp_path), defaults, seed=1)
    assert trainable(again).keys() == trainable(made).keys()
    load_adapter(again, tmp_path)
    for name, parameter in trainable(made).items():
        assert torch.equal(parameter, trainable(again)[name]), name
    for name in networks:
        own, found = values.of(name), recipe_of(tmp_path).of(name)
        assert found.kind == own.kind
        if own.kind != "full":
            assert (found.rank, found.alpha) == (own.rank, own.alpha)


def test_only_the_networks_asked_for_are_loaded(tmp_path):
    values = AdapterRecipe(networks={"a": {"kind": "full"}})
    made = changed(attach({"a": Net(), "b": Net()}, values, DEFAULTS, seed=0))
    save_adapter(made, tmp_path, "base")
    fresh = attach({"a": Net(), "b": Net()}, values, DEFAULTS, seed=0)
    before = {key: p.clone() for key, p in trainable(fresh).items()}
    load_adapter(fresh, tmp_path, only=("a",))
    for key, parameter in trainable(fresh).items():
        assert torch.equal(parameter, trainable(made)[key] if key.network == "a" else before[key]), key


def test_an_adapter_of_another_rank_or_base_is_refused(tmp_path):
    values = AdapterRecipe(rank=2, networks={"a": {"kind": "full"}})
    save_adapter(changed(attach({"a": Net(), "b": Net()}, values, DEFAULTS, seed=0)), tmp_path, "base")
    other_rank = values.model_copy(update={"rank": 5})
    with pytest.raises(TunesmithError, match="does not fit") as refused:
        load_adapter(attach({"a": Net(), "b": Net()}, other_rank, DEFAULTS, seed=0), tmp_path)
    assert str(tmp_path / "b") in str(refused.value)
    with pytest.raises(TunesmithError, match="do not fit"):
        load_adapter(attach({"a": Net(6), "b": Net()}, values, DEFAULTS, seed=0), tmp_path)


def test_a_network_without_a_part_for_it_cannot_be_trained_in_full():
    with pytest.raises(TunesmithError, match="nothing of `b` can be trained in full"):
        attach({"b": Net()}, AdapterRecipe(kind="full"), {"b": DEFAULTS["b"]}, seed=0)


def test_a_network_that_the_family_does_not_have_is_said():
    with pytest.raises(TunesmithError, match="no network c"):
        attach({"a": Net()}, AdapterRecipe(networks={"c": {"rank": 1}}), {"a": DEFAULTS["a"]}, seed=0)


def test_a_folder_without_either_is_a_sentence(tmp_path: Path):
    with pytest.raises(TunesmithError, match="holds no adapter"):
        recipe_of(tmp_path)
