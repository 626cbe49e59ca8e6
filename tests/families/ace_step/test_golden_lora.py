"""Upstream's LoRA on our transformer: the same modules are targeted, and its file gives the recorded outputs."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tests.golden_files import assert_close, golden_path, golden_tensors, part
from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer
from tunesmith.families.ace_step.parts.weights import is_dead

TOLERANCE = 1e-5


@pytest.fixture
def golden():
    tensors, settings = golden_tensors("ace_step/lora_block3")
    config = TransformerConfig.from_json(settings["config"])
    base = {name: tensor for name, tensor in part(tensors, "base").items() if not is_dead(name)}
    transformer = AceStepTransformer(config, projectors=any(name.startswith("projectors.") for name in base))
    transformer.load_state_dict(base)
    return transformer.eval(), tensors, settings


@torch.no_grad()
def velocity(transformer: AceStepTransformer, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    inputs = part(tensors, "in")
    text, text_mask = inputs["encoder_text_hidden_states"], inputs["text_attention_mask"]
    conditions = transformer.encode(
        text, text_mask, inputs["speaker_embeds"], inputs["lyric_token_idx"], inputs["lyric_mask"], packed=False
    )
    return transformer.decode(inputs["hidden_states"], inputs["timestep"], conditions)


def factors() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Pairs (A, B) by module."""
    file = load_file(golden_path("ace_step/tiny_lora") / "pytorch_lora_weights.safetensors")
    modules = sorted({name.partition(".lora_")[0] for name in file})
    return {name: (file[f"{name}.lora_A.weight"], file[f"{name}.lora_B.weight"]) for name in modules}


@pytest.mark.parametrize(
    ("scaling", "output"),
    [
        (None, "base"),
        ("trained_scaling", "trained_scale"),
        ("upstream_loaded_scaling", "upstream_pipeline_load_weight1"),
    ],
)
def test_golden_lora_merged(golden, scaling, output):
    transformer, tensors, settings = golden
    scale = settings[scaling] if scaling else 0.0
    for name, (a, b) in factors().items():
        transformer.get_submodule(name).weight.data += scale * b @ a
    assert_close(output, velocity(transformer, tensors), tensors[f"out.{output}"], TOLERANCE)


def test_golden_lora_attached(golden):
    """PEFT finds by suffix the modules that upstream's config named, and its outputs are upstream's."""
    from peft import LoraConfig, inject_adapter_in_model

    transformer, tensors, settings = golden
    adapter = settings["trainable"][0].split(".")[-2]
    transformer.requires_grad_(False)
    inject_adapter_in_model(LoraConfig(**settings["lora_config"]), transformer, adapter_name=adapter)
    trainable = {name for name, parameter in transformer.named_parameters() if parameter.requires_grad}
    assert trainable == set(settings["trainable"])
    for name, (a, b) in factors().items():
        module = transformer.get_submodule(name)
        module.lora_A[adapter].weight.data.copy_(a)
        module.lora_B[adapter].weight.data.copy_(b)
    assert_close("attached", velocity(transformer, tensors), tensors["out.trained_scale"], TOLERANCE)
