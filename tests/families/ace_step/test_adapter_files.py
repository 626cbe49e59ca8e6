"""LoRA files in every spelling, what is refused, and what stacking does to the weights."""

from __future__ import annotations

import json
import math

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.families.ace_step.tiny_adapters import (
    TARGETS,
    adapted,
    load_as_upstream,
    load_by_folder,
    saved,
    velocity,
)
from tests.families.ace_step.tiny_transformer import random_transformer
from tests.golden_files import assert_close
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.adapter_files import LoraFile, LoraModule, UnsuitableAdapterError, read_lora
from tunesmith.families.ace_step.adapter_formats import FORMATS, bake_beside
from tunesmith.families.ace_step.adapter_source import LORA_WEIGHTS, METADATA_KEY
from tunesmith.families.ace_step.adapter_stack import apply_loras, parse_lora
from tunesmith.families.ace_step.adapter_targets import idle_targets
from tunesmith.files import write_json

MODULE = "transformer_blocks.0.attn.to_q"
WIDTH = 32
SETTINGS = {
    "plain": {"lora_alpha": 6},
    "rslora": {"lora_alpha": 6, "use_rslora": True},
    "patterns": {
        "lora_alpha": 6,
        "use_rslora": True,
        "rank_pattern": {"attn.to_q": 2, "linear_q": 3},
        "alpha_pattern": {"speaker_embedder": 1.5, r"transformer_blocks\.1\..*to_q": 9},
    },
}


def pair(rank: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {"A": torch.randn(rank, WIDTH, generator=generator), "B": torch.randn(WIDTH, rank, generator=generator)}


def lora_file(path, factors=None, module: str = MODULE, **others: torch.Tensor):
    factors = factors or pair()
    save_file({f"{module}.lora_{half}.weight": t for half, t in factors.items()} | others, path)
    return path


def stacked(*loras: tuple[LoraFile, float]) -> torch.nn.Module:
    transformer = random_transformer().requires_grad_(False)
    apply_loras(transformer, loras)
    return transformer


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_peft_folder_means_what_peft_makes_of_it(tmp_path, settings):
    network = adapted(random_transformer(), **settings)
    network.save_pretrained(tmp_path)
    lora = read_lora(tmp_path)
    assert lora.notes == ()
    assert_close("stacked", velocity(stacked((lora, 1.0))), velocity(network), 1e-5)
    by_file = read_lora(tmp_path / "adapter_model.safetensors")
    assert by_file.modules.keys() == lora.modules.keys()
    assert all(by_file.modules[name].scale == module.scale for name, module in lora.modules.items())


@pytest.mark.parametrize(
    "prefix", ["", "transformer.", "base_model.model.", "diffusion_model.", "base_model.model." * 2]
)
@pytest.mark.parametrize(
    "halves", [("lora_A.weight", "lora_B.weight"), ("lora_A.demo.weight", "lora_B.demo.weight"),
               ("lora_down.weight", "lora_up.weight")],
)  # fmt: skip
def test_names_of_other_tools_are_understood(tmp_path, prefix, halves):
    factors = pair()
    tensors = dict(zip(halves, factors.values(), strict=True)) | {"alpha": torch.tensor(2.0)}
    save_file({f"{prefix}{MODULE}.{key}": t for key, t in tensors.items()}, tmp_path / "song.safetensors")
    lora = read_lora(tmp_path / "song.safetensors")
    assert lora.name == "song"
    assert lora.modules.keys() == {MODULE}
    assert torch.equal(lora.modules[MODULE].a, factors["A"])
    assert torch.equal(lora.modules[MODULE].b, factors["B"])
    assert lora.modules[MODULE].scale == 0.5
    assert lora.notes == ()


def test_a_header_of_a_diffusers_pipeline_counts_too(tmp_path):
    header = {"transformer.r": 4, "transformer.lora_alpha": 8, "transformer.use_rslora": True}
    tensors = {f"transformer.{MODULE}.lora_{half}.weight": t for half, t in pair().items()}
    save_file(tensors, tmp_path / LORA_WEIGHTS, metadata={METADATA_KEY: json.dumps(header)})
    assert read_lora(tmp_path).modules[MODULE].scale == 4.0


def test_names_tell_adapters_apart(tmp_path):
    network = adapted(random_transformer())
    names = {
        "trap": saved(network, tmp_path / "trap" / "best_model"),
        "house": saved(network, tmp_path / "runs" / "house"),
    }
    FORMATS["diffusers"](names["trap"], tmp_path / "rap")
    names["rap"] = tmp_path / "rap" / LORA_WEIGHTS
    assert {name: read_lora(path).name for name, path in names.items()} == {name: name for name in names}


def test_half_precision_files_are_read_as_fp32(tmp_path):
    lora = read_lora(lora_file(tmp_path / "a.safetensors", {half: t.bfloat16() for half, t in pair().items()}))
    assert lora.modules[MODULE].a.dtype == lora.modules[MODULE].b.dtype == torch.float32


def test_what_the_file_leaves_open_is_said(tmp_path):
    dead = "transformer_blocks.1.cross_attn.add_q_proj"
    others = {f"{dead}.lora_{half}.weight": t for half, t in pair(seed=1).items()} | {
        f"{MODULE}.alpha": torch.tensor(4.0)
    }
    lora = read_lora(lora_file(tmp_path / "a.safetensors", **others))
    assert lora.modules[MODULE].scale == lora.modules[dead].scale == 1.0
    assert f"no alpha in the file for {dead}" in str(lora.notes[0])
    assert f"no generation reads {dead}" in str(lora.notes[1])
    assert not torch.equal(velocity(stacked((lora, 1.0))), velocity(random_transformer()))


# --- refusals -------------------------------------------------------------------------------------------------------


def test_dora_is_refused_for_stacking_and_left_out_beside_a_run(tmp_path):
    saved(adapted(random_transformer(), use_dora=True), tmp_path)
    before = sorted(tmp_path.iterdir())
    for read in (read_lora, *(lambda folder, write=write: write(folder, folder) for write in FORMATS.values())):
        with pytest.raises(UnsuitableAdapterError, match=r"DoRA .* --merged"):
            read(tmp_path)
    bake_beside(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("others", "config", "message"),
    [
        ({f"{MODULE}.dora_scale": torch.ones(WIDTH, 1)}, {}, "DoRA"),
        ({"lyric_embs.lora_embedding_A": torch.ones(4, 50)}, {}, r"no plain LoRA: it holds lyric_embs\.lora_emb"),
        ({"speaker_embedder.alpha": torch.tensor(1.0)}, {}, r"holds speaker_embedder\.alpha"),
        ({}, {"init_lora_weights": "pissa_niter_4"}, "pissa_niter_4, which changes the base"),
    ],
)  # fmt: skip
def test_what_is_no_plain_lora_is_refused(tmp_path, others, config, message):
    lora_file(tmp_path / "adapter_model.safetensors", **others)
    write_json(tmp_path / "adapter_config.json", {"r": 4, "lora_alpha": 4, **config})
    with pytest.raises(UnsuitableAdapterError, match=message):
        read_lora(tmp_path)


def test_files_that_cannot_be_understood_are_refused(tmp_path):
    factors = pair()
    cases = {
        "half": (lora_file(tmp_path / "half.safetensors", {"A": factors["A"]}), "do not belong together"),
        "ranks": (lora_file(tmp_path / "ranks.safetensors", factors | {"B": pair(3)["B"]}), "do not belong together"),
        "two": (
            lora_file(tmp_path / "two.safetensors", **{f"{MODULE}.lora_A.other.weight": factors["A"]}),
            "two adapters",
        ),
        "alpha": (
            lora_file(tmp_path / "alpha.safetensors", **{f"{MODULE}.alpha": torch.tensor(math.nan)}),
            "not a number",
        ),
        "absent": (tmp_path / "absent", "no such file"),
        "several": (tmp_path, "no adapter here"),
    }
    (tmp_path / "text.safetensors").write_text("not a LoRA")
    cases["text"] = (tmp_path / "text.safetensors", "cannot be read")
    save_file(dict(factors), tmp_path / "header.safetensors", metadata={METADATA_KEY: '{"lora_alpha": "loud"}'})
    cases["header"] = (tmp_path / "header.safetensors", "settings cannot be read")
    for path, message in cases.values():
        with pytest.raises(TunesmithError, match=message):
            read_lora(path)


# --- stacking -------------------------------------------------------------------------------------------------------


def test_loras_add_up_whatever_their_order(tmp_path):
    loras = [read_lora(lora_file(tmp_path / f"{i}.safetensors", pair(2 + i, seed=i))) for i in range(2)]
    base = random_transformer().get_submodule(MODULE).weight
    expected = base + 0.8 * loras[0].modules[MODULE].delta() - 0.5 * loras[1].modules[MODULE].delta()
    for order in ((0, 1), (1, 0)):
        transformer = stacked(*((loras[i], (0.8, -0.5)[i]) for i in order))
        assert_close("weight", transformer.get_submodule(MODULE).weight, expected, 1e-6)


def test_a_half_precision_model_is_rounded_once():
    transformer = random_transformer().bfloat16().requires_grad_(False)
    weight = transformer.get_submodule(MODULE).weight
    small = weight.float() * 2**-9  # two of these round away one by one, and not together
    lora = LoraFile("a", "a", {MODULE: LoraModule(torch.eye(WIDTH), small, 1.0)})
    expected = (weight.float() + 2 * small).bfloat16()
    assert not torch.equal(expected, ((weight.float() + small).bfloat16().float() + small).bfloat16())
    apply_loras(transformer, [(lora, 1.0), (lora, 1.0)])
    assert torch.equal(weight, expected)


@pytest.mark.parametrize("module", ["transformer_blocks.1.ff.inverted_conv.conv", "proj_in.early_conv_layers.0"])
def test_a_convolution_gets_what_two_convolutions_would_add(tmp_path, module):
    transformer = random_transformer().requires_grad_(False)
    layer = transformer.get_submodule(module)
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(4, *layer.weight.shape[1:], generator=generator)
    b = torch.randn(len(layer.weight), 4, *(1,) * (a.ndim - 2), generator=generator)
    lora = read_lora(lora_file(tmp_path / "a.safetensors", {"A": a, "B": b}, module))
    convolve = {3: torch.conv1d, 4: torch.conv2d}[a.ndim]
    x = torch.randn(1, a.shape[1], *(16,) * (a.ndim - 2), generator=generator)
    expected = convolve(x, layer.weight, layer.bias) + 0.5 * convolve(convolve(x, a), b)
    apply_loras(transformer, [(lora, 0.5)])
    assert_close(module, convolve(x, layer.weight, layer.bias), expected, 1e-5)


def test_a_lora_of_another_model_is_refused_and_changes_nothing(tmp_path):
    good = read_lora(lora_file(tmp_path / "good.safetensors"))
    wide = {"A": torch.ones(4, 2 * WIDTH), "B": torch.ones(WIDTH, 4)}
    files = {
        r"has no layers\.0\.self_attn\.q_proj": {"module": "layers.0.self_attn.q_proj"},
        r"has no lyric_encoder\.after_norm": {"module": "lyric_encoder.after_norm"},
        r"other shapes of transformer_blocks\.0\.attn\.to_q \(32×64 on \(32, 32\)\)": {"factors": wide},
    }
    transformer = random_transformer().requires_grad_(False)
    before = velocity(transformer)
    for number, (message, content) in enumerate(files.items()):
        lora = read_lora(lora_file(tmp_path / f"{number}.safetensors", **content))
        with pytest.raises(TunesmithError, match=message):
            apply_loras(transformer, [(good, 1.0), (lora, 1.0)])
    assert torch.equal(velocity(transformer), before)


@pytest.mark.parametrize(
    ("text", "path", "strength"),
    [
        ("a", "a", 1.0),
        ("a:0.8", "a", 0.8),
        ("runs/trap/best_model:-1", "runs/trap/best_model", -1.0),
        (r"C:\loras\a.safetensors", r"C:\loras\a.safetensors", 1.0),
        (r"C:\loras\a.safetensors:0.5", r"C:\loras\a.safetensors", 0.5),
        ("take:two", "take:two", 1.0),
        ("there:3", "there:3", 1.0),
        ("there:3:2", "there:3", 2.0),
    ],
)
def test_what_lora_says(tmp_path, monkeypatch, text, path, strength):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there:3").mkdir()
    found, number = parse_lora(text)
    assert (str(found), number) == (path, strength)


@pytest.mark.parametrize("text", ["", ":0.5", "a:nan", "a:inf"])
def test_what_lora_cannot_say(text):
    with pytest.raises(TunesmithError, match="names no adapter and strength"):
        parse_lora(text)


# --- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_the_effect(tmp_path, settings, name):
    network = adapted(random_transformer(), **settings)
    network.save_pretrained(tmp_path / "peft")
    FORMATS[name](tmp_path / "peft", tmp_path / name)
    before, after = read_lora(tmp_path / "peft").modules, read_lora(tmp_path / name).modules
    assert after.keys() == before.keys()
    for module, factors in before.items():
        assert_close(module, after[module].delta(), factors.delta(), 1e-6)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_diffusers_loads_every_rank_and_alpha(tmp_path, settings):
    network = adapted(random_transformer(), **settings)
    expected = velocity(network)
    network.save_pretrained(tmp_path)
    for name, loads in (("ace-step", (load_as_upstream, load_by_folder)), ("diffusers", (load_by_folder,))):
        FORMATS[name](tmp_path, tmp_path / name)
        for load in loads:
            assert_close(
                f"{name}, {load.__name__}", velocity(load(random_transformer(), tmp_path / name)), expected, 1e-5
            )


def test_the_baked_file_says_alpha_is_rank(tmp_path):
    saved(adapted(random_transformer(), lora_alpha=32, use_rslora=True), tmp_path)
    bake_beside(tmp_path)
    with safe_open(tmp_path / LORA_WEIGHTS, "pt") as file:
        config = json.loads(file.metadata()[METADATA_KEY])
    assert (config["r"], config["lora_alpha"], config["use_rslora"]) == (4, 4, False)
    assert config["rank_pattern"] == config["alpha_pattern"] == {}
    assert all(tensor.dtype == torch.float32 for tensor in load_file(tmp_path / LORA_WEIGHTS).values())
    assert read_lora(tmp_path).path == tmp_path, "the PEFT folder stays what is read"


def test_the_alpha_of_comfyui_is_rank_times_scale(tmp_path):
    for name, settings, alpha in (("a", {}, 6.0), ("b", {"use_rslora": True}, 12.0)):
        saved(adapted(random_transformer(), lora_alpha=6, **settings), tmp_path / name)
        FORMATS["comfyui"](tmp_path / name, tmp_path)
        file = load_file(tmp_path / f"{name}.safetensors")
        assert {t.item() for key, t in file.items() if key.endswith(".alpha")} == {alpha}
        assert not any(key.startswith("base_model") for key in file)


# --- targets --------------------------------------------------------------------------------------------------------


def test_targets_that_learn_nothing_are_told():
    assert idle_targets(["to_q", "to_out.0", "linear_q"]) == []
    warnings = idle_targets([*TARGETS, "add_q_proj", "cross_attn.to_add_out"])
    assert [str(warning).partition(",")[0].partition(" gets")[0] for warning in warnings] == [
        "the adapter on speaker_embedder",
        "no forward pass uses add_q_proj",
        "no forward pass uses cross_attn.to_add_out",
    ]


def test_an_adapter_on_the_speaker_embedder_gets_no_gradient_from_zeros():
    """What the warning says, and that it needs a speaker vector."""
    for speaker, idle in ((0.0, True), (1.0, False)):
        network = adapted(random_transformer(), target_modules=["speaker_embedder"])
        output = network.base_model.model.speaker_embedder(torch.full((1, 6), speaker))
        output.sum().backward()
        gradients = [parameter.grad for parameter in network.parameters() if parameter.requires_grad]
        assert all(not gradient.any() for gradient in gradients) is idle


def test_our_own_targets_leave_nothing_idle():
    from tunesmith.families.ace_step.adapters import TARGETS as OURS

    assert idle_targets(OURS) == []
