"""A merged model is a checkpoint like the base: it loads, says what the adapter said, and holds what others need."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.families.step_audio.tiny_checkpoint import FLOW_SIZES, make_speech_run
from tunesmith.adapters.attach import attach, unwrap_peft
from tunesmith.adapters.files import save_adapter
from tunesmith.adapters.parameters import trainable
from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.families.contract import GenerationRequest
from tunesmith.families.step_audio import export as module
from tunesmith.families.step_audio.config import FLOW, FLOW_FOLDER, LLM
from tunesmith.families.step_audio.export import merged_state
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.objective import answer_logits
from tunesmith.families.step_audio.parts.flow_weights import save_flow
from tunesmith.families.step_audio.parts.step1_weights import save_step1
from tunesmith.run.adapted import load_adapted, on_device, read_adapted
from tunesmith.stages.export import export

KINDS = {
    "lora+full": {"networks": {FLOW: {"kind": "full"}}},
    "lora+lora": {},
    "dora+full": {"kind": "dora", "networks": {FLOW: {"kind": "full"}}},
}


def tuned(family, **recipe):
    """Networks whose trained part differs from the base's."""
    values = AdapterRecipe.model_validate({"rank": 2, "alpha": 4, **recipe})
    networks = attach(on_device(family.networks.load(), "cpu"), values, family.adapters.defaults(), seed=0)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, network in networks.items():
            for parameter in network.eval().parameters():
                if parameter.requires_grad:
                    size = 0.05 if name == LLM else 0.3
                    parameter.add_(size * torch.randn(parameter.shape, generator=random))
    return networks


@pytest.fixture(scope="module", params=list(KINDS))
def exported(request, tiny_family, tmp_path_factory):
    networks = tuned(tiny_family, **KINDS[request.param])
    folder = tmp_path_factory.mktemp("merged") / "model"
    tiny_family.adapters.export_merged(networks, folder)
    return networks, folder


def test_it_is_a_checkpoint_whose_answers_are_the_adapters(tiny_family, exported, items):
    networks, folder = exported
    assert STEP_AUDIO.recognises(str(folder))
    merged = STEP_AUDIO.open(str(folder))
    assert (
        merged.checkpoint.ids == tiny_family.checkpoint.ids
        and merged.checkpoint.configs == tiny_family.checkpoint.configs
    )
    made, batch, base = (
        merged.networks.load(),
        tiny_family.objective.collate(items[:2], None),
        tiny_family.networks.load(),
    )
    with torch.no_grad():
        theirs, ours = answer_logits(unwrap_peft(networks[LLM]), batch), answer_logits(made[LLM].float(), batch)
        start = answer_logits(base[LLM].float(), batch)
        assert float((ours - theirs).abs().mean()) < 0.02 * float(theirs.abs().mean())  # weights in fp16
        assert float((ours - theirs).abs().mean()) < 0.2 * float((start - theirs).abs().mean())
        terms = [tiny_family.objective.loss({FLOW: one[FLOW]}, batch, None) for one in (networks, made, base)]
    for name, term in terms[0].items():
        assert torch.allclose(term.sum, terms[1][name].sum, rtol=1e-3), name
        assert not torch.allclose(term.sum, terms[2][name].sum, rtol=3e-3), name


def test_names_and_precision_are_the_bases(tiny_family, exported):
    _, folder = exported
    base = {name: tensor.shape for name, tensor in tiny_family.networks.load()[LLM].state_dict().items()}
    state = load_file(folder / "model.safetensors")
    assert {name: tensor.shape for name, tensor in state.items()} == base
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}, "the small one's are of half precision"
    assert "model.layers.0.self_attn.q_proj.weight" in state and "lm_head.weight" in state
    flow = torch.load(folder / FLOW_FOLDER / "flow.pt", weights_only=True)
    assert set(flow) == set(tiny_family.networks.load()[FLOW].state_dict())
    assert {tensor.dtype for tensor in flow.values()} == {torch.float16}
    config = json.loads((folder / "config.json").read_text())
    assert config["torch_dtype"] == "float16" and config["tie_word_embeddings"] is False
    assert config["architectures"] == ["Step1ForCausalLM"] and config["model_type"] == "step1"


def test_everything_else_of_the_checkpoint_is_there(tiny_family, exported):
    _, folder = exported
    for name in (
        "tokenizer.json",
        "small_frontend.json",
        "small_frontend.safetensors",
        f"{FLOW_FOLDER}/cosyvoice.yaml",
    ):
        assert (folder / name).read_bytes() == (tiny_family.checkpoint.folder / name).read_bytes()
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert set(index) == set(tiny_family.networks.load()[LLM].state_dict()) and set(index.values()) == {
        "model.safetensors"
    }


def test_the_merged_model_speaks(exported, items, pairs):
    from tunesmith.data.load import load

    _, folder = exported
    audio = load(pairs[0].audios["prompt"], 24_000, 1)
    request = GenerationRequest(pairs[0].texts, 0.4, 0, source={"prompt": audio})
    (made,) = STEP_AUDIO.open(str(folder)).generation.generator().generate([request])
    assert np.array_equal(made.encoded["ids"], items[0]["ids"])
    assert made.encoded["mel"].shape[1] == FLOW_SIZES.output_size


def test_merging_leaves_the_adapter_as_it_was(tiny_family):
    networks = tuned(tiny_family)
    before = {k: v.clone() for k, v in networks[LLM].state_dict().items()}
    merged = dict(merged_state(unwrap_peft(networks[LLM])))
    assert all(torch.equal(v, networks[LLM].state_dict()[k]) for k, v in before.items())
    base = tiny_family.networks.load()[LLM].state_dict()
    changed = {name.split(".")[-2] for name, tensor in merged.items() if not torch.equal(tensor, base[name])}
    assert changed == {"q_proj", "k_proj", "v_proj"}


def test_what_the_released_config_says_stays_said(tiny_family, tmp_path):
    folder = tmp_path / "released"
    shutil.copytree(tiny_family.checkpoint.folder, folder)
    config = json.loads((folder / "config.json").read_text())
    del config["tie_word_embeddings"]  # as published; releases of transformers took a missing key for true
    config |= {"auto_map": {"AutoConfig": "configuration_step1.Step1Config"}, "max_seq_len": 32768}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling_step1.py").write_text("# remote code\n")
    (folder / "hift.json").write_text("{}")
    family = STEP_AUDIO.open(str(folder))
    family.adapters.export_merged(family.networks.load(), tmp_path / "merged")
    written = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert written == {**config, "tie_word_embeddings": False, "torch_dtype": "float16"}
    assert (tmp_path / "merged" / "modeling_step1.py").exists()


def test_a_base_in_other_precisions_is_merged_in_these(tiny_family, tmp_path):
    """The released LLM is in bf16, and its flow in fp32."""
    folder = tmp_path / "released"
    shutil.copytree(tiny_family.checkpoint.folder, folder)
    networks = tiny_family.networks.load()
    save_step1(networks[LLM].state_dict(), networks[LLM].config, folder, dtype=torch.bfloat16)
    save_flow(networks[FLOW], folder / FLOW_FOLDER / "flow.pt", torch.float32)
    family = STEP_AUDIO.open(str(folder))
    family.adapters.export_merged(tuned(family), tmp_path / "merged")
    state = load_file(tmp_path / "merged" / "model.safetensors")
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}
    flow = torch.load(tmp_path / "merged" / FLOW_FOLDER / "flow.pt", weights_only=True)
    assert {tensor.dtype for tensor in flow.values()} == {torch.float32}
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["torch_dtype"] == "bfloat16"
    index = json.loads((tmp_path / "merged" / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(2 * tensor.numel() for tensor in state.values())


def test_a_flow_that_lies_elsewhere_comes_along(tiny_family, tmp_path):
    folder, flow = tmp_path / "model", tmp_path / "sounds"
    shutil.copytree(tiny_family.checkpoint.folder, folder)
    (folder / FLOW_FOLDER).rename(flow)
    family = STEP_AUDIO.open(str(folder), STEP_AUDIO.settings(flow_path=str(flow)))
    family.adapters.export_merged(family.networks.load(), tmp_path / "merged")
    assert STEP_AUDIO.open(str(tmp_path / "merged")).checkpoint.configs[1] == family.checkpoint.configs[1]


@pytest.fixture(scope="module", params=list(KINDS))
def run(request, tiny_folder, tiny_family, pairs, tmp_path_factory):
    """A run whose best adapter has an effect."""
    root, kind = tmp_path_factory.mktemp("run"), KINDS[request.param]
    context = make_speech_run(tiny_folder, pairs[:3], root, "run", adapter={"rank": 2, "alpha": 4, **kind})
    save_adapter(tuned(tiny_family, **kind), context.folder.best, tiny_family.card.base_name)
    (context.folder.best / "README.md").write_text("---\ntags:\n- tunesmith\n---\n")
    return context


def test_merging_holds_the_llm_in_the_precision_of_its_files(run, tmp_path):
    """In fp32 the released one would take 14 GB; what is written is the same to the byte."""
    networks = read_adapted(run.family, run.folder.best)
    kinds = {p.dtype for name, p in networks[LLM].named_parameters() if "lora_" not in name}
    assert kinds == {torch.float16}
    assert {p.dtype for p in trainable(networks).values()} == {torch.float32}
    run.family.adapters.export_merged(load_adapted(run.family, run.folder.best), tmp_path / "whole")
    merged = export(run, merged=True, out=tmp_path / "merged")
    files = {file.relative_to(merged) for file in merged.rglob("*") if file.is_file()}
    assert files == {
        file.relative_to(tmp_path / "whole") for file in (tmp_path / "whole").rglob("*") if file.is_file()
    } | {Path("README.md")}
    for name in ("model.safetensors", "config.json", "model.safetensors.index.json"):
        assert (merged / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    ours, theirs = (
        torch.load(one / FLOW_FOLDER / "flow.pt", weights_only=True) for one in (merged, tmp_path / "whole")
    )
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_an_interrupted_merge_leaves_nothing_or_what_was_there(run, tmp_path, monkeypatch):
    target = tmp_path / "merged"
    for before in (False, True):
        if before:
            target = export(run, merged=True, out=target)
        kept = sorted(target.rglob("*"))
        with monkeypatch.context() as patch:
            patch.setattr(module, "export_flow", interrupted)
            with pytest.raises(KeyboardInterrupt):
                export(run, merged=True, out=target)
        assert sorted(target.rglob("*")) == kept and sorted(tmp_path.iterdir()) == [target] * before


def interrupted(*_):
    raise KeyboardInterrupt
