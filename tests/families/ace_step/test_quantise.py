"""Base weights in int8 and NF4: what is packed, what it costs, and that training and export see no difference."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
from safetensors.torch import load_file

from tests.families.ace_step.test_export import CONFIG, assert_holds, checkpoint  # noqa: F401 - a fixture
from tests.families.ace_step.tiny_adapters import adapted, velocity
from tests.families.ace_step.tiny_transformer import random_inputs
from tests.golden_files import assert_close, golden_path
from tunesmith.adapters.attach import unwrap_peft
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.adapters import TARGETS
from tunesmith.families.ace_step.export import export_merged
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.parts.weights import load_transformer, transformer_file
from tunesmith.families.ace_step.published import published_card
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.sizes import packable
from tunesmith.families.ace_step.source import REPOSITORY
from tunesmith.families.base_weights import packed_size
from tunesmith.families.quantise import LIBRARIES, PACKED, Packed
from tunesmith.planning.clips import PlannedClips
from tunesmith.planning.planner import estimate
from tunesmith.recipe.load import load_text
from tunesmith.recipe.models import Recipe
from tunesmith.run.base_card import card_for_planning
from tunesmith.training.setup import make_accelerator, prepare_networks

ERROR = {"int8": 0.01, "nf4": 0.11}
"""Of a matrix of normal numbers, relative; 0.008 and 0.092 at full width."""
TARGET_SETS = {
    "attention": {"target_modules": list(TARGETS)},
    "convolutions": {"target_modules": ["inverted_conv.conv", "point_conv.conv"]},
    "dora": {"target_modules": ["to_q", "point_conv.conv"], "use_dora": True},
}


@pytest.fixture(params=LIBRARIES)
def packing(request):
    pytest.importorskip(LIBRARIES[request.param].partition(".")[0])
    importlib.import_module(LIBRARIES[request.param])
    return request.param


def packed_bytes(transformer: torch.nn.Module) -> int:
    """Bytes of every tensor inside the packed ones."""
    total = 0
    for module in transformer.modules():
        if isinstance(module, Packed):
            packed = module.packed
            state = getattr(packed, "quant_state", None)
            inner = (
                [packed.qdata, packed.scale, packed.zero_point]
                if state is None
                else [packed.data, state.absmax, state.code, state.state2.absmax, state.state2.code, state.offset]
            )
            total += sum(tensor.nbytes for tensor in inner)
    return total


def unpacked(folder, packed: torch.nn.Module) -> torch.nn.Module:
    """A full transformer with the very weights that the packed ones stand for."""
    full = load_transformer(folder, CONFIG)
    for name, module in packed.named_modules():
        if isinstance(module, Packed):
            full.get_submodule(name).weight.data = module.weight.data
    return full


def gradients(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    transformer, inputs = unwrap_peft(network), random_inputs((9,), (3,), (4,), CONFIG)
    transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer)).square().mean().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


def test_the_matrices_of_the_blocks_are_packed_and_nothing_else(checkpoint, packing):  # noqa: F811
    full, packed = (load_transformer(checkpoint, CONFIG, base_weights=kind) for kind in ("full", packing))
    state = packed.state_dict()
    gone = full.state_dict().keys() - state.keys()
    assert {name.replace(".weight", PACKED) for name in gone} == state.keys() - full.state_dict().keys()
    assert len(gone) == 10 * CONFIG.num_layers
    assert all(name.startswith("transformer_blocks.") for name in gone)
    assert all(torch.equal(state[name], tensor) for name, tensor in full.state_dict().items() if name not in gone)
    assert sum(full.state_dict()[name].numel() for name in gone) == packed_size(packable(CONFIG), packing)[0]
    assert packed_bytes(packed) == pytest.approx(packed_size(packable(CONFIG), packing)[1], rel=0.01)
    assert not any(parameter.requires_grad for parameter in packed.parameters())
    for name in gone:
        exact, rounded = (net.get_submodule(name.removesuffix(".weight")).weight for net in (full, packed))
        assert 0 < (rounded - exact).norm() / exact.norm() < ERROR[packing], name
    assert_close("packed", velocity(packed), velocity(unpacked(checkpoint, packed)), 1e-5)


@pytest.mark.parametrize("targets", TARGET_SETS)
def test_adapters_train_as_on_the_rounded_weights_in_full(checkpoint, packing, targets):  # noqa: F811
    packed = load_transformer(checkpoint, CONFIG, base_weights=packing)
    networks = [adapted(base, **TARGET_SETS[targets]) for base in (unpacked(checkpoint, packed), packed)]
    names = {name for name, parameter in networks[1].named_parameters() if parameter.requires_grad}
    assert all(p.dtype == torch.float32 for p in networks[1].parameters() if p.requires_grad)
    expected, found = map(gradients, networks)
    assert expected.keys() == found.keys() == names
    for name in names:
        assert_close(name, found[name], expected[name], 1e-4)


def test_no_unpacked_weight_waits_for_the_backward_pass(checkpoint, packing):  # noqa: F811
    packed = load_transformer(checkpoint, CONFIG, base_weights=packing)
    shapes = {tuple(module.weight.shape[:2]) for module in packed.modules() if isinstance(module, Packed)}
    network, kept = adapted(packed), []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tuple(tensor.shape)) or tensor, lambda t: t
    ):
        gradients(network)
    # The lyric encoder's own matrices, full and adapted, are of another width.
    assert kept
    assert not (shapes | {shape[::-1] for shape in shapes}) & set(kept)


def test_half_precision_leaves_the_packed_weights_alone(checkpoint, packing):  # noqa: F811
    packed = load_transformer(checkpoint, CONFIG, base_weights=packing)
    layer = packed.transformer_blocks[0].attn.to_q
    before = layer.weight.clone()
    packed.to("cpu", torch.bfloat16)
    assert torch.equal(layer.weight, before)
    assert packed.dtype == layer.bias.dtype == torch.bfloat16
    assert layer(torch.randn(1, 2, CONFIG.inner_dim).bfloat16()).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(1, 2, CONFIG.inner_dim)).dtype == torch.bfloat16


@pytest.mark.parametrize("dora", [False, True], ids=["lora", "dora"])
def test_a_merged_export_holds_the_full_weights(checkpoint, tmp_path, packing, dora):  # noqa: F811
    settings = {"target_modules": ["to_q", "point_conv.conv", "linear_v"], "use_dora": dora}
    network = adapted(load_transformer(checkpoint, CONFIG, base_weights=packing), **settings)
    export_merged(checkpoint, network, tmp_path / "merged")
    full = adapted(load_transformer(checkpoint, CONFIG), **settings)
    full.load_state_dict({name: p for name, p in network.state_dict().items() if "lora_" in name}, strict=False)
    assert_holds(tmp_path / "merged", full)
    base, merged = (load_file(transformer_file(folder)) for folder in (checkpoint, tmp_path / "merged"))
    changed = {name for name in base if not torch.equal(base[name], merged[name])}
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in changed} <= {"to_q", "conv", "linear_v"}


def test_golden_checkpoint_trains_packed(packing):
    recipe = Recipe.model_validate(
        {
            "name": "packed",
            "model": {"path": str(golden_path("ace_step/tiny_checkpoint")), "device": "cpu"},
            "options": {"base_weights": packing},
        }
    )
    family = ACE_STEP.open(recipe.model.path, ACE_STEP.settings.model_validate(recipe.options))
    (network,) = prepare_networks(family, recipe, make_accelerator(recipe), family.networks.load()).values()
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=1e-2)
    inputs, losses = random_inputs((9,), (3,), (4,), family.checkpoint.config.transformer), []
    for _ in range(4):
        transformer = unwrap_peft(network)
        losses.append(transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer)).square().mean())
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert any("merged export" in str(warning) for warning in family.adapters.warnings((), "lora"))


@pytest.mark.parametrize("packing", LIBRARIES)
def test_a_library_that_is_not_there_is_named(checkpoint, packing, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, LIBRARIES[packing], None)
    with pytest.raises(TunesmithError, match=r"options\.base_weights.*need the library .*tunesmith\[quantised\]"):
        load_transformer(checkpoint, CONFIG, base_weights=packing)


def test_shapes_alone_need_no_library(checkpoint):  # noqa: F811
    transformer = load_transformer(checkpoint, CONFIG, base_weights="nf4", meta=True)
    assert not any(isinstance(module, Packed) for module in transformer.modules())


@pytest.mark.parametrize(("kind", "gigabytes"), [("full", 5.18), ("int8", 2.74), ("nf4", 1.56)])
def test_the_plan_counts_packed_weights(kind, gigabytes):
    recipe = load_text(f"{{name: a, model: {{path: {REPOSITORY}}}, options: {{base_weights: {kind}}}}}").recipe
    card, _ = card_for_planning(recipe)
    assert card == published_card(REPOSITORY, AceStepSettings(base_weights=kind))
    devices = {
        one.device: one.memory for one in estimate(recipe, card, PlannedClips((30.0,) * 90, (30.0,) * 10, 90)).devices
    }
    assert devices["GPU"]["weights"] / 1e9 == pytest.approx(gigabytes, rel=0.01)
    assert devices["CPU"]["weights"] > devices["GPU"]["weights"]
