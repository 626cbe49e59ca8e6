"""The LLM's base in int8 and NF4: what is packed, and that decoding, training and export see no difference."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
from peft import get_peft_model
from torch import nn

from tests.families.step_audio.tiny_step1 import CONFIG, IDS, random_ids, tiny_step1
from tests.golden_files import assert_close
from tunesmith.errors import TunesmithError
from tunesmith.families.base_weights import packed_size
from tunesmith.families.quantise import LIBRARIES, PACKED, Packed
from tunesmith.families.step_audio.config import LLM
from tunesmith.families.step_audio.defaults import LLM_TARGETS
from tunesmith.families.step_audio.export import merged_state
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.parts.decode import generate
from tunesmith.families.step_audio.parts.step1_weights import load_step1, save_step1, weight_reader
from tunesmith.families.step_audio.sizes import packable
from tunesmith.families.step_audio.source import POCKET
from tunesmith.recipe.models import Recipe
from tunesmith.training.setup import make_accelerator, prepare_networks

ERROR = {"int8": 0.01, "nf4": 0.11}
"""Of a matrix of normal numbers, relative."""
PROMPT = [1, 4, 20, 21, 22]


@pytest.fixture(params=LIBRARIES)
def packing(request):
    pytest.importorskip(LIBRARIES[request.param].partition(".")[0])
    importlib.import_module(LIBRARIES[request.param])
    return request.param


@pytest.fixture
def folder(tmp_path):
    """In two files with an index, as the released one could be."""
    save_step1(tiny_step1().state_dict(), CONFIG, tmp_path, shard_bytes=60_000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    return tmp_path


def load(folder, base_weights="full"):
    return load_step1(folder, dtype=torch.float32, base_weights=base_weights)


def unpacked(folder, packed: nn.Module) -> nn.Module:
    """A full LLM with the very weights that the packed ones stand for."""
    full = load(folder)
    for name, module in packed.named_modules():
        if isinstance(module, Packed):
            full.get_submodule(name).weight.data = module.weight.data
    return full


def adapted(llm: nn.Module, targets=LLM_TARGETS, **options) -> nn.Module:
    """With an adapter that does something."""
    from peft import LoraConfig

    network = get_peft_model(llm, LoraConfig(r=4, lora_alpha=8, target_modules=list(targets), **options))
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.3)
    return network


def gradients(network: nn.Module) -> dict[str, torch.Tensor]:
    network.get_base_model()(random_ids(2, 9)).square().mean().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


def test_the_matrices_of_the_layers_are_packed_and_nothing_else(folder, packing):
    full, packed = load(folder), load(folder, packing)
    state, whole = packed.state_dict(), full.state_dict()
    gone = whole.keys() - state.keys()
    assert {name.replace(".weight", PACKED) for name in gone} == state.keys() - whole.keys()
    assert len(gone) == len(packable(CONFIG)) == 7 * CONFIG.num_hidden_layers
    assert all(name.startswith("model.layers.") for name in gone)
    assert all(torch.equal(state[name], tensor) for name, tensor in whole.items() if name not in gone)
    assert sum(whole[name].numel() for name in gone) == packed_size(packable(CONFIG), packing)[0]
    assert not any(parameter.requires_grad for parameter in packed.parameters())
    for name in gone:
        exact, rounded = (net.get_submodule(name.removesuffix(".weight")).weight for net in (full, packed))
        assert 0 < (rounded - exact).norm() / exact.norm() < ERROR[packing], name
    ids = random_ids(2, 9)
    assert_close("logits", packed(ids), unpacked(folder, packed)(ids), 1e-4)


def test_it_decodes_as_the_rounded_weights_in_full(folder, packing):
    packed = load(folder, packing)
    answers = [
        generate(llm, [PROMPT], ids=IDS, seeds=[0], max_new=[15], temperature=0.0, top_k=0, grammar=True)
        for llm in (packed, unpacked(folder, packed))
    ]
    assert answers[0] == answers[1]
    assert answers[0][0]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_adapters_train_as_on_the_rounded_weights_in_full(folder, packing, checkpointing):
    packed = load(folder, packing)
    networks = [adapted(base) for base in (unpacked(folder, packed), packed)]
    packed.gradient_checkpointing = checkpointing
    expected, found = map(gradients, networks)
    assert expected.keys() == found.keys()
    assert {name for name, p in networks[1].named_parameters() if p.requires_grad} == found.keys()
    for name in expected:
        assert_close(name, found[name], expected[name], 1e-4)


def test_half_precision_leaves_the_packed_weights_alone(folder, packing):
    packed = load_step1(folder, base_weights=packing)
    layer = packed.model.layers[0].mlp.down_proj
    assert packed.lm_head.weight.dtype == torch.bfloat16
    before = layer.weight.clone()
    packed.to("cpu", torch.bfloat16)
    assert torch.equal(layer.weight, before)
    assert torch.isfinite(packed(random_ids(1, 4))).all()
    assert packed(random_ids(1, 4)).dtype == torch.bfloat16


@pytest.mark.parametrize("dora", [False, True], ids=["lora", "dora"])
def test_a_merged_model_holds_the_full_weights(folder, packing, dora):
    network = adapted(load(folder, packing), ("q_proj", "v_proj", "down_proj"), use_dora=dora)
    full = adapted(load(folder), ("q_proj", "v_proj", "down_proj"), use_dora=dora)
    full.load_state_dict({name: p for name, p in network.state_dict().items() if "lora_" in name}, strict=False)
    expected = dict(merged_state(full.get_base_model()))
    merged = dict(merged_state(network.get_base_model(), weight_reader(folder)))
    assert merged.keys() == expected.keys() == load(folder).state_dict().keys()
    for name, tensor in expected.items():
        assert_close(name, merged[name].float(), tensor, 1e-6)


def test_the_pocket_model_trains_packed(packing):
    recipe = Recipe.model_validate(
        {
            "name": "packed",
            "model": {"path": POCKET, "device": "cpu"},
            "options": {"base_weights": packing, "train": "llm"},
            "train": {"gradient_checkpointing": True},
        }
    )
    family = STEP_AUDIO.open(recipe.model.path, STEP_AUDIO.settings.model_validate(recipe.options))
    llm = prepare_networks(family, recipe, make_accelerator(recipe), family.networks.load())[LLM]
    optimizer = torch.optim.AdamW([p for p in llm.parameters() if p.requires_grad], lr=1e-2)
    ids, losses = torch.randint(400, (1, 20), generator=torch.Generator().manual_seed(0)), []
    for _ in range(3):
        logits = llm.get_base_model()(ids)
        losses.append(nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:]))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert any("merged export" in str(warning) for warning in family.adapters.warnings((), "lora"))


@pytest.mark.parametrize("packing", LIBRARIES)
def test_a_library_that_is_not_there_is_named(folder, packing, monkeypatch):
    monkeypatch.setitem(sys.modules, LIBRARIES[packing], None)
    with pytest.raises(TunesmithError, match=r"options\.base_weights.*need the library .*tunesmith\[quantised\]"):
        load(folder, packing)


def test_the_full_base_needs_no_library_and_no_warning(folder, monkeypatch):
    for library in LIBRARIES.values():
        monkeypatch.setitem(sys.modules, library, None)
    assert not any(isinstance(module, Packed) for module in load(folder).modules())
    assert STEP_AUDIO.open(POCKET).adapters.warnings((), "lora") == []


def test_a_reader_gives_the_tensors_of_all_files(folder):
    read = weight_reader(folder)
    state = tiny_step1().state_dict()
    assert all(torch.equal(read(name), tensor.bfloat16()) for name, tensor in state.items())
