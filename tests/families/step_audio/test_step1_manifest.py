"""The released LLM's tensors, counted without weights; and folders of weights, read and written."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families.step_audio.tiny_step1 import CONFIG, random_ids, tiny_step1
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import Step1Config
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.families.step_audio.parts.step1_config import CONFIG as CONFIG_FILE
from tunesmith.families.step_audio.parts.step1_config import read_config
from tunesmith.families.step_audio.parts.step1_weights import INDEX, WEIGHTS, load_step1, save_step1

# Of the released safetensors: 7.06 GB in bf16.
PUBLISHED_TENSORS, PUBLISHED_PARAMETERS = 291, 3_530_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as published: bf16, and a config that says nothing of tying."""
    save_step1(tiny_step1().state_dict(), CONFIG, tmp_path)
    raw = json.loads((tmp_path / CONFIG_FILE).read_text())
    del raw["tie_word_embeddings"]
    (tmp_path / CONFIG_FILE).write_text(json.dumps(raw))
    return tmp_path


def test_published_sizes_are_the_defaults():
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in Step1ForCausalLM(Step1Config()).state_dict().items()}
    assert len(shapes) == PUBLISHED_TENSORS
    assert sum(math.prod(shape) for shape in shapes.values()) == pytest.approx(PUBLISHED_PARAMETERS, rel=1e-3)
    expected = {
        "model.embed_tokens.weight": (74752, 3072),
        "model.layers.31.self_attn.q_proj.weight": (3072, 3072),
        "model.layers.0.self_attn.k_proj.weight": (256, 3072),
        "model.layers.0.self_attn.v_proj.weight": (256, 3072),
        "model.layers.0.self_attn.o_proj.weight": (3072, 3072),
        "model.layers.0.mlp.gate_proj.weight": (8192, 3072),
        "model.layers.0.mlp.up_proj.weight": (8192, 3072),
        "model.layers.0.mlp.down_proj.weight": (3072, 8192),
        "model.layers.0.input_layernorm.weight": (3072,),
        "model.layers.0.post_attention_layernorm.weight": (3072,),
        "model.norm.weight": (3072,),
        "lm_head.weight": (74752, 3072),
    }
    assert {name: shapes[name] for name in expected} == expected


def test_round_trip_in_one_file_and_in_shards(tmp_path):
    model = tiny_step1()
    for name, shard_bytes in (("one", 10**9), ("many", 20_000)):
        save_step1(model.state_dict(), CONFIG, tmp_path / name, dtype=torch.float32, shard_bytes=shard_bytes)
        loaded = load_step1(tmp_path / name)
        with torch.no_grad():
            assert torch.equal(loaded(random_ids(1, 7)), model(random_ids(1, 7)))
        assert not loaded.training
        assert not any(weight.requires_grad for weight in loaded.parameters())
        assert loaded.config == CONFIG
    assert (tmp_path / "one" / WEIGHTS).is_file()
    assert not (tmp_path / "one" / INDEX).exists()
    index = json.loads((tmp_path / "many" / INDEX).read_text())
    assert len(set(index["weight_map"].values())) > 1
    assert set(index["weight_map"]) == set(model.state_dict())


def test_shards_without_an_index_load(tmp_path):
    state = tiny_step1().state_dict()
    save_step1(state, CONFIG, tmp_path, shard_bytes=20_000)
    (tmp_path / INDEX).unlink()
    assert torch.equal(load_step1(tmp_path).lm_head.weight, state["lm_head.weight"].bfloat16())


def test_config_is_written_for_other_readers(tmp_path):
    save_step1(tiny_step1().state_dict(), CONFIG, tmp_path)
    raw = json.loads((tmp_path / CONFIG_FILE).read_text())
    assert raw.items() >= asdict(CONFIG).items()
    assert (raw["model_type"], raw["architectures"]) == ("step1", ["Step1ForCausalLM"])
    assert (raw["tie_word_embeddings"], raw["torch_dtype"]) == (False, "bfloat16")


def test_precision_is_that_of_the_file_unless_told(folder):
    assert load_step1(folder).lm_head.weight.dtype == torch.bfloat16
    assert {weight.dtype for weight in load_step1(folder, dtype=torch.float32).parameters()} == {torch.float32}


def test_the_output_layer_is_never_tied(folder):
    model = load_step1(folder)
    assert not torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
    tensors = load_file(folder / WEIGHTS)
    del tensors["lm_head.weight"]
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(TunesmithError, match=r"1 missing \(lm_head.weight\)"):
        load_step1(folder)


def test_tensors_are_checked_by_name_and_shape(folder):
    tensors = load_file(folder / WEIGHTS)
    tensors["model.norm.bias"] = torch.zeros(CONFIG.hidden_size)
    tensors["model.norm.weight"] = torch.ones(CONFIG.hidden_size + 1)
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(
        TunesmithError, match=r"1 of another shape \(model.norm.weight\); 1 unknown \(model.norm.bias\)"
    ):
        load_step1(folder)
    with pytest.raises(TunesmithError, match="1 missing"):
        save_step1({name: tensors[name] for name in tensors if name != "lm_head.weight"}, CONFIG, folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "llama"}, "its model_type is 'llama'"),
        ({"num_attention_groups": None}, "sizes are missing: num_attention_groups"),
        ({"num_attention_groups": 4}, "does not divide into 6 heads in 4 groups"),
    ],
)
def test_a_config_of_something_else_is_refused(folder, change, message):
    raw = json.loads((folder / CONFIG_FILE).read_text()) | change
    (folder / CONFIG_FILE).write_text(json.dumps(raw))
    with pytest.raises(TunesmithError, match=message):
        read_config(folder)


def test_missing_and_broken_files_are_named(folder):
    (folder / WEIGHTS).write_bytes(b"not weights")
    with pytest.raises(TunesmithError, match="cannot be read"):
        load_step1(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(TunesmithError, match="the weights of the LLM are missing"):
        load_step1(folder)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"lm_head.weight": "model-00007.safetensors"}}))
    with pytest.raises(TunesmithError, match="model-00007"):
        load_step1(folder)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"lm_head.weight": "../model.safetensors"}}))
    with pytest.raises(TunesmithError, match="names no weight files"):
        load_step1(folder)
