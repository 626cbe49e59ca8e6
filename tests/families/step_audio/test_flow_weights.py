"""Files of the flow: sizes read from tensors, names checked, and written back as upstream reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from tests.families.step_audio.tiny_flow import TINY, random_flow, random_tokens
from tests.golden_files import assert_close
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FlowConfig
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.parts.flow_weights import infer_config, load_flow, save_flow


@pytest.fixture
def file(tmp_path):
    save_flow(random_flow(), tmp_path / "flow.pt", torch.float32)
    return tmp_path / "flow.pt"


def edited(file, change):
    state = torch.load(file, weights_only=True)
    change(state)
    torch.save(state, file)
    return file


def test_written_and_read_back(file):
    flow, tokens = random_flow(), random_tokens((5, 3))
    loaded = load_flow(file, TINY)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, tensor in flow.state_dict().items():
        assert_close(name, loaded.state_dict()[name], tensor, 0)
    assert_close("mu", loaded.mu(*tokens)[0], flow.mu(*tokens)[0], 1e-5)
    assert list(torch.load(file, weights_only=True)) == list(flow.state_dict())


@pytest.mark.parametrize("name", ["flow.pt", "flow.safetensors"])
def test_precision_asked_for(tmp_path, name):
    save_flow(random_flow(), tmp_path / name, torch.bfloat16)
    file = tmp_path / name
    state = load_file(file) if file.suffix == ".safetensors" else torch.load(file, weights_only=True)
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}
    loaded = load_flow(file)
    assert {tensor.dtype for tensor in loaded.state_dict().values()} == {torch.float32}
    assert_close("weight", loaded.encoder_proj.weight, random_flow().encoder_proj.weight.bfloat16().float(), 0)


@pytest.mark.parametrize("config", [TINY, FlowConfig()], ids=["small", "released"])
@pytest.mark.parametrize("key_bias", [True, False])
def test_every_size_is_in_the_tensors(config, key_bias, tmp_path):
    config = replace(config, encoder=replace(config.encoder, key_bias=key_bias))
    with torch.device("meta"):
        tensors = Flow(config).state_dict()
    # What shapes no tensor comes from elsewhere.
    rest = replace(FlowConfig(), inference_cfg_rate=0.5, encoder=replace(FlowConfig().encoder, dropout_rate=0.2))
    expected = replace(config, inference_cfg_rate=0.5, encoder=replace(config.encoder, dropout_rate=0.2))
    assert infer_config(tensors, rest, tmp_path) == expected


def test_ratio_that_rounds_is_kept(tmp_path):
    config = replace(TINY, estimator=replace(TINY.estimator, mlp_ratio=2.67))
    with torch.device("meta"):
        tensors = Flow(config).state_dict()
    assert infer_config(tensors, config, tmp_path) == config


def test_file_cut_short_is_not_a_smaller_network(file):
    last = f"decoder.estimator.blocks.{TINY.estimator.depth - 1}."
    edited(file, lambda state: [state.pop(name) for name in list(state) if name.startswith(last)])
    with pytest.raises(TunesmithError, match=r"estimator\.depth is 2 in the config and 1 in the weights"):
        load_flow(file, TINY)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("encoder.after_norm.bias"), "1 missing .encoder.after_norm.bias"),
        (lambda state: state.pop("decoder.estimator.in_proj.weight"), "decoder.estimator.in_proj.weight' is missing"),
        (lambda state: state.update(extra=torch.zeros(1)), "1 unknown .extra"),
        (lambda state: state.update({"encoder_proj.bias": torch.zeros(3)}), "1 of another shape .encoder_proj.bias"),
        (lambda state: state.update({"encoder.up_layer.conv.weight": torch.zeros(3)}), "other dimensions"),
        (lambda state: state.clear(), "not the weights of a Step-Audio flow"),
    ],
)
def test_files_that_do_not_fit(file, change, said):
    with pytest.raises(TunesmithError, match=said) as raised:
        load_flow(edited(file, change), TINY)
    assert raised.value.where == str(file)


def test_absent_and_broken_files(tmp_path):
    with pytest.raises(TunesmithError, match="missing"):
        load_flow(tmp_path / "flow.pt")
    (tmp_path / "flow.pt").write_bytes(b"no weights")
    with pytest.raises(TunesmithError, match="cannot be read"):
        load_flow(tmp_path / "flow.pt")
