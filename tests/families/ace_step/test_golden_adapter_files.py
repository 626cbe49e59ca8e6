"""Upstream's LoRA file read, stacked and written for every tool: the recorded outputs each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families.ace_step.test_golden_lora import velocity
from tests.families.ace_step.tiny_adapters import load_as_upstream, load_by_folder, saved
from tests.golden_files import assert_close, golden_path, golden_tensors, part
from tunesmith.families.ace_step.adapter_files import read_lora
from tunesmith.families.ace_step.adapter_formats import FORMATS
from tunesmith.families.ace_step.adapter_source import LORA_WEIGHTS
from tunesmith.families.ace_step.adapter_stack import apply_loras
from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer
from tunesmith.families.ace_step.parts.weights import is_dead

TOLERANCE = 1e-5
TRAINED, BASE, AS_LOADED = "out.trained_scale", "out.base", "out.upstream_pipeline_load_weight1"


class Golden:
    """The recorded model, its inputs and outputs."""

    def __init__(self) -> None:
        self.tensors, self.settings = golden_tensors("ace_step/lora_block3")
        self.folder = golden_path("ace_step/tiny_lora")

    def transformer(self) -> AceStepTransformer:
        """The base."""
        base = {name: tensor for name, tensor in part(self.tensors, "base").items() if not is_dead(name)}
        projectors = any(name.startswith("projectors.") for name in base)
        transformer = AceStepTransformer(TransformerConfig.from_json(self.settings["config"]), projectors=projectors)
        transformer.load_state_dict(base)
        return transformer.requires_grad_(False).eval()

    def check(self, transformer: torch.nn.Module, output: str) -> None:
        """Its output is a recorded one."""
        assert_close(output, velocity(transformer, self.tensors), self.tensors[output], TOLERANCE)

    def peft_folder(self, folder: Path) -> Path:
        """The same LoRA as a run would have saved it."""
        from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

        network = get_peft_model(self.transformer(), LoraConfig(**self.settings["lora_config"]))
        factors = {f"base_model.model.{name}": t for name, t in load_file(self.folder / LORA_WEIGHTS).items()}
        assert not set_peft_model_state_dict(network, factors).unexpected_keys
        return saved(network, folder)


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden()


@pytest.fixture
def peft_folder(golden, tmp_path):
    return golden.peft_folder(tmp_path / "trap" / "best_model")


def test_golden_upstream_file_at_trained_scale(golden):
    transformer = golden.transformer()
    lora = read_lora(golden.folder)
    assert lora.notes == ()
    trained = golden.settings["trained_scaling"]
    assert [module.scale for module in lora.modules.values()] == pytest.approx([trained] * len(lora.modules))
    assert {f"{name}.lora_A" for name in lora.modules} == {
        name.rsplit(".", 2)[0] for name in golden.settings["trainable"] if ".lora_A." in name
    }
    apply_loras(transformer, [(lora, 1.0)])
    golden.check(transformer, TRAINED)


def test_golden_upstream_file_without_header(golden, tmp_path):
    """Such a file is what upstream wrote before diffusers kept the settings: scale 1, said, and a strength mends it."""
    save_file(load_file(golden.folder / LORA_WEIGHTS), tmp_path / LORA_WEIGHTS)
    lora = read_lora(tmp_path)
    assert "no alpha in the file" in str(lora.notes[0])
    for strength, output in ((1.0, AS_LOADED), (golden.settings["trained_scaling"], TRAINED), (0.0, BASE)):
        transformer = golden.transformer()
        apply_loras(transformer, [(lora, strength)])
        golden.check(transformer, output)


def test_golden_peft_folder(golden, peft_folder):
    transformer = golden.transformer()
    apply_loras(transformer, [(read_lora(peft_folder), 0.75), (read_lora(golden.folder), 0.25)])
    golden.check(transformer, TRAINED)


@pytest.mark.parametrize("name", FORMATS)
def test_golden_every_format_reads_back(golden, peft_folder, tmp_path, name):
    FORMATS[name](peft_folder, tmp_path / name)
    lora = read_lora(tmp_path / name)
    assert lora.notes == ()
    transformer = golden.transformer()
    apply_loras(transformer, [(lora, 1.0)])
    golden.check(transformer, TRAINED)


def test_golden_baked_file_is_right_however_it_is_loaded(golden, peft_folder, tmp_path):
    FORMATS["ace-step"](peft_folder, tmp_path)
    golden.check(load_as_upstream(golden.transformer(), tmp_path), TRAINED)
    golden.check(load_by_folder(golden.transformer(), tmp_path), TRAINED)
    save_file(load_file(tmp_path / LORA_WEIGHTS), tmp_path / LORA_WEIGHTS)
    golden.check(load_by_folder(golden.transformer(), tmp_path), TRAINED)


def test_golden_scale_in_the_header_is_restored_by_folder_alone(golden, peft_folder, tmp_path):
    FORMATS["diffusers"](peft_folder, tmp_path)
    golden.check(load_by_folder(golden.transformer(), tmp_path), TRAINED)
    golden.check(load_as_upstream(golden.transformer(), tmp_path), AS_LOADED)
    ours, theirs = load_file(tmp_path / LORA_WEIGHTS), load_file(golden.folder / LORA_WEIGHTS)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_golden_comfyui_file_as_comfyui_applies_it(golden, peft_folder, tmp_path):
    """Every key that begins with a weight's path; alpha over rank; nothing left over."""
    FORMATS["comfyui"](peft_folder, tmp_path)
    assert [file.name for file in tmp_path.glob("*.safetensors")] == ["trap.safetensors"]
    file = load_file(tmp_path / "trap.safetensors")
    transformer = golden.transformer()
    for name, parameter in transformer.named_parameters():
        stem = name.removesuffix(".weight")
        if f"{stem}.lora_B.weight" in file:
            a, b = file.pop(f"{stem}.lora_A.weight"), file.pop(f"{stem}.lora_B.weight")
            parameter.add_(b @ a, alpha=file.pop(f"{stem}.alpha").item() / a.shape[0])
    assert not file
    golden.check(transformer, TRAINED)


def test_golden_stacked_on_a_run_with_an_adapter_of_its_own(golden, peft_folder, tmp_path):
    """PEFT's layers stay in place; half of the LoRA attached and half added are the whole."""
    FORMATS["ace-step"](peft_folder, tmp_path)
    shutil.copy(tmp_path / LORA_WEIGHTS, tmp_path / "half.safetensors")
    transformer = load_as_upstream(golden.transformer(), tmp_path)
    transformer.set_adapters("ace_step_lora", 0.5)
    apply_loras(transformer, [(read_lora(tmp_path / "half.safetensors"), 0.5)])
    golden.check(transformer, TRAINED)
