"""``llm_best.pt`` and ``flow_best.pt``: written from an adapter folder, read back, refused where they do not fit."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.families.step_audio.tiny_flow import random_flow
from tests.families.step_audio.tiny_step1 import CONFIG, random_ids, tiny_step1
from tunesmith.adapters.attach import attach
from tunesmith.adapters.files import save_adapter
from tunesmith.adapters.parameters import trainable
from tunesmith.adapters.settings import AdapterDefaults, AdapterRecipe, NetworkRecipe
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.checkpoints import (
    load_flow,
    load_llm,
    load_parts,
    parts_of,
    write_best,
    write_checkpoint,
)
from tunesmith.families.step_audio.network_loss import NetworkLoss
from tunesmith.records.metrics import ValidLine

IDS = random_ids(1, 12)
PEFT_NAME = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


def attached(rank: int = 4, flow: str = "full", only: str = "") -> dict[str, nn.Module]:
    """Both networks with fresh adapters, then moved a little, as if trained."""
    recipe = AdapterRecipe(rank=rank, alpha=8, networks={"flow": NetworkRecipe(kind=flow)})  # type: ignore[arg-type]
    defaults = {
        "llm": AdapterDefaults(("q_proj", "k_proj", "v_proj"), rank=4, alpha=8),
        "flow": AdapterDefaults(("to_q", "to_k"), rank=4, alpha=8, full=("decoder",)),
    }
    chosen = {name: one for name, one in defaults.items() if only in ("", name)}
    frozen = {"llm": tiny_step1().requires_grad_(False), "flow": random_flow().requires_grad_(False)}
    networks = attach(frozen, recipe, chosen, seed=0)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in trainable(networks).values():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return {name: network.eval() for name, network in networks.items()}


@pytest.fixture
def trained() -> dict[str, nn.Module]:
    return attached()


@pytest.fixture
def files(trained: dict[str, nn.Module], tmp_path: Path) -> Path:
    """A folder with the two checkpoints of an adapter folder beside it."""
    save_adapter(trained, tmp_path / "best_model", "models/base")
    write_best(tmp_path / "best_model", tmp_path)
    return tmp_path


def logits(llm: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return llm(IDS)


def content(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def test_a_checkpoint_holds_what_was_trained_and_says_what_it_is(files: Path) -> None:
    llm, flow = content(files / "llm_best.pt"), content(files / "flow_best.pt")
    assert set(llm) == {
        "epoch", "model_state_dict", "optimizer_state_dict", "scheduler_state_dict", "val_loss", "header",
    }  # fmt: skip
    assert PEFT_NAME in llm["model_state_dict"]
    assert all(".lora_" in key for key in llm["model_state_dict"])
    assert llm["header"]["targets"] == ["k_proj", "q_proj", "v_proj"]
    assert (llm["header"]["network"], llm["header"]["mode"], llm["header"]["rank"]) == ("llm", "lora", 4)
    assert (flow["header"]["network"], flow["header"]["mode"], flow["header"]["base"]) == (
        "flow",
        "full",
        "models/base",
    )
    assert all(key.startswith("decoder.estimator.") for key in flow["model_state_dict"])


def test_what_is_read_back_answers_alike(files: Path, trained: dict[str, nn.Module]) -> None:
    loaded = load_llm(tiny_step1(), files / "llm_best.pt", "elsewhere/BASE")
    assert loaded.notes == ()  # a copy of the same base under another folder
    assert not torch.equal(logits(loaded.network), logits(tiny_step1()))
    torch.testing.assert_close(logits(loaded.network), logits(trained["llm"]), rtol=0, atol=1e-6)
    flow = load_flow(random_flow(), files / "flow_best.pt").network
    wanted = trained["flow"].state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in flow.state_dict().items())


def test_the_original_repository_loads_them_by_the_lines_of_the_docs(
    files: Path, trained: dict[str, nn.Module]
) -> None:
    from peft import PeftModel

    llm = PeftModel.from_pretrained(tiny_step1(), str(files / "best_model" / "llm")).eval()  # type: ignore[arg-type]
    torch.testing.assert_close(logits(llm), logits(trained["llm"]), rtol=0, atol=1e-6)
    tuned, flow = content(files / "flow_best.pt")["model_state_dict"], random_flow()
    left = flow.load_state_dict(tuned, strict=False)
    assert not left.unexpected_keys and left.missing_keys
    wanted = trained["flow"].state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in flow.state_dict().items())


def test_epoch_and_loss_are_kept(trained: dict[str, nn.Module], tmp_path: Path) -> None:
    save_adapter(trained, tmp_path / "a", "base")
    write_checkpoint(tmp_path / "a", tmp_path / "llm_epoch_5.pt", "llm", epoch=5, found=NetworkLoss("llm", 1.25))
    found = content(tmp_path / "llm_epoch_5.pt")
    assert (found["epoch"], found["val_loss"], found["optimizer_state_dict"]) == (5, 1.25, None)
    assert (found["header"]["stage"], found["header"]["heldout_loss"]) == ("llm", 1.25)


def test_the_header_of_a_best_checkpoint_says_the_stage_and_the_networks_own_loss(files: Path) -> None:
    assert content(files / "llm_best.pt")["header"]["heldout_loss"] is None, "nothing was measured yet"

    def line(update: int, stage: str, terms: dict[str, float], *, best: bool) -> str:
        return json.dumps(ValidLine(update=update, stage=stage, loss=0.4 * update, terms=terms, best=best).to_json())

    measured = [
        line(1, "llm", {"llm": 3.0, "llm_accuracy": 0.1}, best=True),
        line(2, "flow", {"flow_t0.25": 0.4, "flow_t0.75": 0.2}, best=True),
        line(3, "joint", {"llm": 2.0, "flow_t0.25": 0.2, "flow_t0.75": 0.2}, best=False),
    ]
    (files / "metrics.jsonl").write_text("\n".join(measured) + "\n")
    write_best(files / "best_model", files)
    found = {name: content(files / f"{name}_best.pt") for name in ("llm", "flow")}
    assert {name: one["header"]["stage"] for name, one in found.items()} == {"llm": "llm", "flow": "flow"}
    assert found["llm"]["val_loss"] == found["llm"]["header"]["heldout_loss"] == 3.0
    assert found["flow"]["header"]["heldout_loss"] == pytest.approx(0.3)
    joint = line(4, "joint", {"llm": 2.5, "flow_t0.25": 0.1, "flow_t0.75": 0.2}, best=True)
    (files / "metrics.jsonl").write_text("\n".join([*measured, joint]) + "\n")
    write_best(files / "best_model", files)
    header = content(files / "flow_best.pt")["header"]
    assert (header["stage"], header["heldout_loss"]) == ("joint", pytest.approx(0.15))
    assert content(files / "llm_best.pt")["val_loss"] == 2.5
    assert load_llm(tiny_step1(), files / "llm_best.pt").notes == ()


@pytest.mark.parametrize(("only", "flow"), [("llm", "full"), ("flow", "full"), ("flow", "lora")])
def test_a_folder_of_one_network_alone(only: str, flow: str, tmp_path: Path) -> None:
    networks = attached(flow=flow, only=only)
    save_adapter(networks, tmp_path / "a", "base")
    assert parts_of(tmp_path / "a") == {only: tmp_path / "a"}
    write_best(tmp_path / "a", tmp_path)
    assert [path.name for path in tmp_path.glob("*.pt")] == [f"{only}_best.pt"]
    found, notes = load_parts({"llm": tiny_step1(), "flow": random_flow()}, tmp_path / "a", "base")
    assert notes == []
    loaded = (load_llm if only == "llm" else load_flow)(
        {"llm": tiny_step1, "flow": random_flow}[only](), tmp_path / f"{only}_best.pt"
    ).network
    for one in (found[only], loaded):
        got, wanted = one.state_dict(), networks[only].state_dict()
        assert all(torch.equal(got[key], wanted[key]) for key in wanted)


def test_an_untouched_flow_is_the_base(tmp_path: Path) -> None:
    networks = attached()
    for parameter, base in zip(networks["flow"].parameters(), random_flow().parameters(), strict=True):
        parameter.data.copy_(base.data)
    save_adapter(networks, tmp_path / "a", "base")
    write_best(tmp_path / "a", tmp_path)
    assert content(tmp_path / "flow_best.pt")["model_state_dict"] == {}
    loaded = load_flow(random_flow(), tmp_path / "flow_best.pt").network
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), random_flow().parameters(), strict=True))


# --- state dicts of others -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"model_state_dict": s, "epoch": 3}, lambda s: {"state_dict": s}]
)
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod.", "base_model.model."])
def test_a_whole_state_dict_under_any_wrapper(wrap: Any, prefix: str, tmp_path: Path) -> None:
    other = tiny_step1(seed=9)
    torch.save(wrap({prefix + key: tensor for key, tensor in other.state_dict().items()}), tmp_path / "a.pt")
    loaded = load_llm(tiny_step1(), tmp_path / "a.pt")
    assert loaded.notes == ()
    assert torch.equal(logits(loaded.network), logits(other))


def test_a_whole_peft_model_as_the_first_trainer_saved_it(tmp_path: Path) -> None:
    trained = attached()["llm"]
    torch.save({"epoch": 1, "model_state_dict": trained.state_dict()}, tmp_path / "llm_best.pt")
    assert any(".base_layer." in key and ".self_attn." in key for key in trained.state_dict())
    loaded = load_llm(tiny_step1(seed=9), tmp_path / "llm_best.pt")
    (note,) = loaded.notes
    assert "does not say its LoRA alpha; the guide's 32 is used" in str(note)
    from peft.tuners.lora import LoraLayer

    for module in loaded.network.modules():
        if isinstance(module, LoraLayer):
            assert module.scaling["default"] == 32 / 4
            module.scaling["default"] = 8 / 4  # what it was trained with
    torch.testing.assert_close(logits(loaded.network), logits(trained), rtol=0, atol=1e-6)


def test_keys_without_a_place_and_absent_ones_are_told(tmp_path: Path) -> None:
    state = dict(random_flow().state_dict())
    state.pop("spk_embed_affine_layer.bias")
    torch.save({**state, "extra.weight": torch.ones(2)}, tmp_path / "flow.pt")
    first, second = load_flow(random_flow(), tmp_path / "flow.pt").notes
    assert "1 tensors have no place in the flow and were left out (first: extra.weight)" in str(first)
    assert "1 tensors of the flow are not in it and stay as they are (first: spk_embed_affine_layer.bias)" in str(
        second
    )


def test_another_base_of_the_same_sizes_is_told(files: Path) -> None:
    (note,) = load_llm(tiny_step1(), files / "llm_best.pt", "models/other").notes
    assert "trained on models/base, and this is models/other; the sizes agree" in str(note)


# --- what does not fit -----------------------------------------------------------------------------------------------


def refused(load: Any, network: nn.Module, path: Path) -> str:
    """What is said; nothing of the network may have changed."""
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(TunesmithError) as error:
        load(network, path)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    return str(error.value)


def test_another_base_is_refused(files: Path) -> None:
    deeper = tiny_step1(replace(CONFIG, num_hidden_layers=3))
    wider = tiny_step1(replace(CONFIG, hidden_size=96))
    assert "this checkpoint does not fit: 3 of its names" in refused(load_llm, deeper, files / "llm_best.pt")
    assert "It belongs to another base model" in refused(load_llm, wider, files / "llm_best.pt")
    torch.save(tiny_step1(replace(CONFIG, vocab_size=64)).state_dict(), files / "small.pt")
    assert "lm_head.weight" in refused(load_llm, tiny_step1(), files / "small.pt")


def test_another_rank_is_refused(files: Path) -> None:
    said = refused(load_llm, attached(rank=2)["llm"], files / "llm_best.pt")
    assert "this checkpoint is of LoRA rank 4, and the network carries one of rank 2. Set lora_r" in said
    found = content(files / "llm_best.pt")
    torch.save({**found, "header": {**found["header"], "rank": 16}}, files / "lies.pt")
    assert "have rank 4, and its header says 16" in refused(load_llm, tiny_step1(), files / "lies.pt")


def test_another_mode_is_refused(files: Path, tmp_path: Path) -> None:
    said = refused(load_flow, attached(flow="lora")["flow"], files / "flow_best.pt")
    assert "holds weights trained in full, and the network carries a LoRA adapter" in said
    save_adapter(attached(flow="lora"), tmp_path / "light", "base")
    write_best(tmp_path / "light", tmp_path / "light")
    said = refused(load_flow, attached()["flow"], tmp_path / "light" / "flow_best.pt")
    assert "holds a LoRA adapter, and the network carries weights trained in full" in said


def test_the_other_network_is_refused(files: Path) -> None:
    assert "holds the flow, and the llm is meant. Give it as flow_ckpt_path" in refused(
        load_llm, tiny_step1(), files / "flow_best.pt"
    )
    torch.save(tiny_step1().state_dict(), files / "raw.pt")
    assert "holds the llm, and the flow is meant" in refused(load_flow, random_flow(), files / "raw.pt")


def test_a_file_with_half_an_adapter_is_refused(files: Path) -> None:
    found = content(files / "llm_best.pt")
    found["model_state_dict"].pop(PEFT_NAME)
    torch.save(found, files / "half.pt")
    assert "this checkpoint does not fit: 1 of its names" in refused(load_llm, tiny_step1(), files / "half.pt")


def test_files_that_are_none(files: Path, tmp_path: Path) -> None:
    import pickle

    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"model_state_dict": print}, protocol=2))
    (tmp_path / "text.pt").write_text("hello")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    torch.save({**content(files / "llm_best.pt"), "header": {"netzwerk": "llm"}}, tmp_path / "strange.pt")
    for name, words in {
        "none.pt": "there is no such checkpoint",
        "evil.pt": "cannot be read",
        "text.pt": "cannot be read",
        "empty.pt": "holds no weights",
        "strange.pt": "header of this checkpoint is not understood",
    }.items():
        assert words in refused(load_llm, tiny_step1(), tmp_path / name)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(TunesmithError, match="holds no adapter"):
        load_parts({}, tmp_path / "nothing")


def test_the_header_is_plain_values(files: Path) -> None:
    json.dumps(content(files / "llm_best.pt")["header"])
