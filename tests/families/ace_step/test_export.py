"""Merged checkpoints that load like published ones, and ``tunesmith export`` in every format."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.families.ace_step.test_adapter_files import lora_file
from tests.families.ace_step.tiny_adapters import adapted, load_as_upstream, saved, velocity
from tests.families.ace_step.tiny_transformer import TINY
from tests.golden_files import assert_close, golden_path
from tests.tiny import tiny_musicgen
from tunesmith.cli.main import main
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.adapter_files import read_lora
from tunesmith.families.ace_step.adapter_stack import apply_loras
from tunesmith.families.ace_step.config import FOLDERS, TransformerConfig
from tunesmith.families.ace_step.export import export_merged
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.parts.weights import is_dead, load_transformer, manifest, transformer_file
from tunesmith.families.contract import Family
from tunesmith.files import read_json
from tunesmith.recipe.models import Recipe
from tunesmith.run.adapted import load_adapted
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.export import export, writer

CONFIG = replace(TINY, num_layers=2)
CARD = "---\nlibrary_name: peft\ntags:\n- tunesmith\n- lora\n---\n"
ADAPTERS = {"lora": {"lora_alpha": 6, "use_rslora": True}, "dora": {"use_dora": True}}


@pytest.fixture(params=[torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
def checkpoint(request, tmp_path):
    """Random weights in one precision under the published names, and files of all kinds beside them."""
    torch.manual_seed(0)
    folder = tmp_path / "base"
    for part in FOLDERS:
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text(f'{{"part": "{part}"}}')
        save_file({"weight": torch.randn(3)}, folder / part / "model.safetensors")
    (folder / "umt5-base" / "tokenizer.json").write_text("{}")
    for name in ("lyric_vocab.json", "README.md", ".gitattributes"):
        (folder / name).write_text(name)
    (folder / FOLDERS[0] / "model.safetensors").unlink()
    tensors = {name: torch.randn(shape) / shape[-1] ** 0.5 for name, shape in manifest(CONFIG).items()}
    save_file({name: t.to(request.param) for name, t in tensors.items()}, transformer_file(folder), {"format": "pt"})
    transformer_file(folder).chmod(0o444)
    return folder


def assert_holds(folder: Path, network: torch.nn.Module) -> None:
    """A checkpoint holds what PEFT makes of a network (which it merges), in the file's own precision."""
    file = load_file(transformer_file(folder))
    for name, tensor in network.merge_and_unload().state_dict().items():
        assert torch.equal(file[name], tensor.to(file[name].dtype)), name


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("settings", ADAPTERS.values(), ids=ADAPTERS)
def test_a_merged_checkpoint_is_the_adapted_network(checkpoint, tmp_path, settings):
    network = adapted(load_transformer(checkpoint, CONFIG), **settings)
    expected, before = velocity(network), contents(checkpoint)
    export_merged(checkpoint, network, tmp_path / "merged")
    assert contents(checkpoint) == before
    assert torch.equal(velocity(network), expected)
    file, base = load_file(transformer_file(tmp_path / "merged")), load_file(transformer_file(checkpoint))
    assert {name: (t.shape, t.dtype) for name, t in file.items()} == {n: (t.shape, t.dtype) for n, t in base.items()}
    layers = dict(network.get_base_model().named_modules())
    changed = {name for name in file if not torch.equal(file[name], base[name])}
    assert changed == {f"{name}.weight" for name, layer in layers.items() if hasattr(layer, "lora_A")}
    loaded = load_transformer(tmp_path / "merged", CONFIG)
    if {tensor.dtype for tensor in file.values()} == {torch.float32}:
        assert_close("merged", velocity(loaded), expected, 1e-5)
    assert_holds(tmp_path / "merged", network)


def test_everything_else_of_a_merged_checkpoint_is_the_base(checkpoint, tmp_path):
    network = adapted(load_transformer(checkpoint, CONFIG, projectors=True))
    export_merged(checkpoint, network, tmp_path / "merged")
    before, after = contents(checkpoint), contents(tmp_path / "merged")
    weights = str(transformer_file(checkpoint).relative_to(checkpoint))
    assert before.keys() - after.keys() == {"README.md", ".gitattributes"}
    assert {name for name in after if after[name] != before[name]} == {weights}
    with safe_open(transformer_file(tmp_path / "merged"), "pt") as file:
        assert file.metadata() == {"format": "pt"}
    base, merged = load_file(transformer_file(checkpoint)), load_file(transformer_file(tmp_path / "merged"))
    untouched = [name for name in base if is_dead(name) or name.startswith("projectors.")]
    assert len(untouched) == 8 * CONFIG.num_layers + 12
    assert all(torch.equal(base[name], merged[name]) for name in untouched)


def test_stacked_loras_are_exported_like_attached_ones(checkpoint, tmp_path):
    first = saved(adapted(load_transformer(checkpoint, CONFIG)), tmp_path / "first")
    second = lora_file(tmp_path / "second.safetensors")
    transformer = load_transformer(checkpoint, CONFIG)
    apply_loras(transformer, [(read_lora(first), 0.8), (read_lora(second), 0.5)])
    export_merged(checkpoint, transformer, tmp_path / "merged")
    file = load_file(transformer_file(tmp_path / "merged"))
    for name, parameter in transformer.named_parameters():
        assert torch.equal(file[name], parameter.to(file[name].dtype)), name


def test_a_merged_export_replaces_a_folder_only_when_complete(checkpoint, tmp_path, monkeypatch):
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "old").write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tunesmith.families.ace_step.export.merged_tensors", fail)
    with pytest.raises(TunesmithError, match="disk is full"):
        export_merged(checkpoint, load_transformer(checkpoint, CONFIG), tmp_path / "merged")
    assert contents(tmp_path / "merged") == {"old": b"old"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "merged"]


# --- tunesmith export -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base():
    return golden_path("ace_step/tiny_checkpoint")


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """An adapter on the golden checkpoint's transformer, as training leaves it, and what it makes."""
    family = ACE_STEP.open(str(base))
    network = adapted(family.networks.load()["transformer"], target_modules=["to_q", "linear_v"], lora_alpha=8)
    return make_adapter(family, network, tmp_path_factory.mktemp("trained")), velocity(network)


def make_adapter(family: Family, network: torch.nn.Module, folder: Path) -> Path:
    saved(network, folder)
    family.adapters.write_extra_files(folder)
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.fixture
def run(base, trained, tmp_path, monkeypatch):
    """A run `trap` with that adapter as its best."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])
    folder = RunFolder(tmp_path / "runs" / "trap").create()
    folder.recipe.write_text(f"name: trap\nmodel: {{path: '{base}', device: cpu}}\n")
    shutil.copytree(trained[0], folder.best)
    recipe = Recipe.model_validate({"name": "trap", "model": {"path": str(base), "device": "cpu"}})
    return RunContext(folder, recipe, Console(quiet=True))


def test_golden_the_file_beside_a_saved_adapter_is_what_upstream_loads(base, trained):
    folder, expected = trained
    loaded = load_as_upstream(ACE_STEP.open(str(base)).networks.load()["transformer"], folder)
    assert_close("by path", velocity(loaded), expected, 1e-5)


@pytest.mark.parametrize(
    ("format", "folder", "file"),
    [
        ("peft", "adapter", "adapter_model.safetensors"),
        ("ace-step", "trap-ace-step", "pytorch_lora_weights.safetensors"),
        ("diffusers", "trap-diffusers", "pytorch_lora_weights.safetensors"),
        ("comfyui", "trap-comfyui", "trap.safetensors"),
    ],
)
def test_golden_every_format_from_the_command_line(run, trained, capsys, format, folder, file):
    for _ in range(2):  # the second export replaces the first
        assert main(["export", "trap", "--format", format]) == 0
        target = run.folder.path / "export" / folder
        assert f"exported to runs/trap/export/{folder}" in capsys.readouterr().out
        assert {file, "README.md"} <= {path.name for path in target.iterdir()}
    lora = read_lora(target / file)
    transformer = run.family.networks.load()["transformer"]
    apply_loras(transformer, [(lora, 1.0)])
    assert_close(format, velocity(transformer), trained[1], 1e-5)
    (target / "leftover.safetensors").write_text("of an earlier export")
    main(["export", "trap", "--format", format])
    assert not (target / "leftover.safetensors").exists()


def test_golden_merged_export_is_a_checkpoint(run):
    target = export(run, merged=True)
    assert target == run.folder.path / "export" / "merged"
    assert (target / "README.md").read_text() == CARD
    assert ACE_STEP.recognises(str(target))
    assert_holds(target, load_adapted(run.family, run.folder.best)["transformer"])
    config = TransformerConfig.from_json(read_json(transformer_file(target).with_name("config.json")))
    with safe_open(transformer_file(target), "pt") as file:
        assert {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()} == manifest(config)  # noqa: SIM118
    assert velocity(ACE_STEP.open(str(target)).networks.load()["transformer"]).isfinite().all()
    export(run, merged=True)


def test_formats_that_do_not_exist_or_do_not_fit_are_refused(run, tmp_path):
    with pytest.raises(TunesmithError, match=r"no adapter format `gguf`\. It has peft, ace-step, diffusers, comfyui"):
        export(run, format="gguf")
    with pytest.raises(TunesmithError, match="cannot be written as comfyui"):
        export(run, format="comfyui", merged=True)
    with pytest.raises(TunesmithError, match="no final adapter yet"):
        export(run, which="final", format="comfyui")
    from tunesmith.families.musicgen.family import MUSICGEN

    with pytest.raises(TunesmithError, match=r"musicgen has no adapter format `comfyui`\. It has peft\."):
        writer(MUSICGEN.open(str(tiny_musicgen(tmp_path / "musicgen"))), "comfyui")


def test_an_export_replaces_nothing_but_an_export(run, base, tmp_path):
    others = {
        "other things": shutil.copytree(base, tmp_path / "download"),
        "own adapter": run.folder.best,
        "a file": tmp_path / "song.safetensors",
    }
    (tmp_path / "download" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (tmp_path / "download" / "config.json").write_text("{}")
    (tmp_path / "song.safetensors").write_text("mine")
    before = contents(tmp_path)
    for message, target in others.items():
        for options in ({}, {"format": "comfyui"}, {"merged": True}):
            with pytest.raises(TunesmithError, match=message):
                export(run, out=target, **options)
    assert contents(tmp_path) == before
    (tmp_path / "empty").mkdir()
    assert export(run, format="comfyui", out=tmp_path / "empty") == tmp_path / "empty"
    assert (tmp_path / "empty" / "trap.safetensors").is_file()


def test_dora_is_exported_merged_alone(run):
    network = adapted(run.family.networks.load()["transformer"], use_dora=True)
    shutil.rmtree(run.folder.best)
    make_adapter(run.family, network, run.folder.best)
    with pytest.raises(TunesmithError, match="--merged"):
        export(run, format="ace-step")
    assert not any((run.folder.path / "export").iterdir())
    assert_holds(export(run, merged=True), network)
