"""Loading the transformer of a checkpoint: what is read, what is left, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families.ace_step.tiny_transformer import TINY, random_inputs
from tests.golden_files import golden_path
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.weights import load_report, load_transformer, manifest, transformer_file
from tunesmith.files import read_json

CONFIG = replace(TINY, num_layers=2)


@pytest.fixture
def folder(tmp_path):
    """A checkpoint's transformer with random weights and everything a published file holds."""
    transformer_file(tmp_path).parent.mkdir()
    save_file({name: torch.randn(shape) for name, shape in manifest(CONFIG).items()}, transformer_file(tmp_path))
    return tmp_path


def rewrite(folder, change) -> None:
    tensors = load_file(transformer_file(folder))
    change(tensors)
    save_file(tensors, transformer_file(folder))


def test_golden_checkpoint_loads():
    folder = golden_path("ace_step/tiny_checkpoint")
    config = TransformerConfig.from_json(read_json(transformer_file(folder).with_name("config.json")))
    file = load_file(transformer_file(folder))
    assert {name: tuple(tensor.shape) for name, tensor in file.items()} == manifest(config)
    transformer = load_transformer(folder, config, projectors=True)
    for name, tensor in transformer.state_dict().items():
        assert torch.equal(tensor, file[name].float()), name
    inputs = random_inputs((9,), (3,), (4,), config)
    velocity = transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer))
    assert velocity.isfinite().all()
    assert velocity.shape == inputs.latents.shape


def test_loaded_is_fp32_frozen_and_in_eval_mode(folder):
    rewrite(folder, lambda tensors: tensors.update({name: tensor.bfloat16() for name, tensor in tensors.items()}))
    file = load_file(transformer_file(folder))
    transformer = load_transformer(folder, CONFIG, lyric_dropout=0.1)
    assert not any(module.training for module in transformer.modules())
    for name, parameter in transformer.named_parameters():
        assert parameter.dtype == torch.float32
        assert not parameter.requires_grad
        assert torch.equal(parameter, file[name].float())


def test_report_names_what_is_left_and_what_it_saves(folder):
    shapes = manifest(CONFIG)
    report = load_report(folder, CONFIG)
    assert len(report.dead) == CONFIG.num_layers * 8
    assert set(report.projectors) == {name for name in shapes if name.startswith("projectors.")}
    assert set(report.loaded) == set(load_transformer(folder, CONFIG).state_dict())
    assert {*report.loaded, *report.dead, *report.projectors} == set(shapes)
    skipped = {*report.dead, *report.projectors}
    assert report.saved_bytes == 4 * sum(math.prod(shapes[name]) for name in skipped)
    assert load_report(folder, CONFIG, projectors=True).projectors == ()


def test_file_without_what_nothing_reads_is_as_good(folder):
    report = load_report(folder, CONFIG)
    rewrite(folder, lambda tensors: [tensors.pop(name) for name in (*report.dead, *report.projectors)])
    assert set(load_report(folder, CONFIG).loaded) == set(report.loaded)
    load_transformer(folder, CONFIG)
    with pytest.raises(TunesmithError, match=r"missing.*projectors\.0\.0\.bias"):
        load_transformer(folder, CONFIG, projectors=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("t_block.1.bias"), r"1 missing \(t_block\.1\.bias\)"),
        (lambda tensors: tensors.update(stray=torch.zeros(1)), r"1 unknown \(stray\)"),
        (
            lambda tensors: tensors.update({"final_layer.linear.bias": torch.zeros(3)}),
            r"1 of another shape \(final_layer\.linear\.bias\)",
        ),
        (
            lambda tensors: tensors.update({"transformer_blocks.0.cross_attn.add_x_proj.bias": torch.zeros(3)}),
            r"1 unknown \(transformer_blocks\.0\.cross_attn\.add_x_proj\.bias\)",
        ),
    ],
    ids=["missing", "unknown", "shape", "not-quite-dead"],
)
def test_weights_that_do_not_fit_are_refused_by_name(folder, change, message):
    rewrite(folder, change)
    with pytest.raises(TunesmithError, match=message):
        load_transformer(folder, CONFIG)


def test_absent_or_broken_file_is_refused(folder):
    file = transformer_file(folder)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(TunesmithError, match=r"cannot be read .*Download"):
        load_transformer(folder, CONFIG)
    file.unlink()
    with pytest.raises(TunesmithError, match="missing"):
        load_transformer(folder, CONFIG)
