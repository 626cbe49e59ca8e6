"""Each gate fires on the mistake it is named for, and stays quiet without it."""

from __future__ import annotations

import shutil

import pytest
import torch

from tests.training.test_trainer import BASE
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.loss_terms import LossResult, LossTerm
from tunesmith.records.metrics import GateLine, read_metric_lines
from tunesmith.training import base_causes, gates, probes
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import train
from tunesmith.training.validation import fixed_batches, fixed_items, measure


@pytest.fixture
def state(make_run):
    return build_train_state(make_run(train=BASE))


def measured(state):
    batches = fixed_batches(state.family, fixed_items(state.train), 4)
    with state.measuring():
        return batches, measure(state, batches)


def test_a_random_base_does_not_pass_the_loss_gate(state):
    batches, base = measured(state)
    assert gates.base_loss(state, batches, base).status == "stop"
    known = LossResult(0.8 * state.family.objective.chance_loss(), {})
    assert gates.base_loss(state, batches, known).status == "pass"


def test_a_base_that_knows_nothing_is_explained_with_what_was_measured_of_each_cause(state, monkeypatch):
    batches, base = measured(state)
    level = state.family.objective.chance_loss()
    message = gates.base_loss(state, batches, base).message
    text, losses = str(message), probes.clip_losses(state)
    assert len(losses) == 2  # the held-out clips
    assert f"of 2 clips 0 are under the limit, from {min(losses):.2f} to {max(losses):.2f}" in text
    assert f"({base.loss:.2f} is {base.loss / level:.0%} of what knowing nothing costs)" in text
    name, wrong = probes.wrong_layout(state, batches)
    assert f"{wrong:.2f} in a wrong one, {name})" in text

    def first(losses, wrong):
        monkeypatch.setattr(base_causes, "clip_losses", lambda state: losses)
        monkeypatch.setattr(base_causes, "wrong_layout", lambda state, batches: ("layout", wrong))
        found = LossResult(1.02 * level, {})
        return str(base_causes.causes(state, batches, found, limit=0.85 * level, level=level)).split()[0]

    assert first([1.02 * level, 1.03 * level], 1.1 * level) == "weights"
    assert first([0.5 * level, 1.5 * level], 1.1 * level) == "clips"
    assert first([1.02 * level, 1.03 * level], 0.7 * level) == "a"  # a layout that is not the model's


def test_a_pocket_model_goes_on_with_music_it_has_never_heard_by_path_too(tiny, make_run, tmp_path):
    copy = shutil.copytree(tiny, tmp_path / "my model")
    (copy / "NUMBERS.md").write_text("# Pocket MusicGen, in numbers\n", encoding="utf-8")
    context = make_run(model={"path": str(copy), "device": "cpu"}, train={**BASE, "updates": 1}, gates={})
    train(context)
    found = {g.name: g for g in context.folder.read_metrics(GateLine)}
    assert found["base_loss"].status == "warn"
    state = build_train_state(context)
    assert gates.layout(state, measured(state)[0], LossResult(10.0, {})).status == "warn"
    assert "never heard such music; it shows the road, not the sound" in str(found["base_loss"].message)


def test_the_layout_gate_wants_the_wrong_layout_to_cost_more(state):
    batches, base = measured(state)
    wrong = state.family.objective.sanity_variants()["layout"](state.networks, batches[0])
    parallel = sum(t.sum.item() / t.denominator for t in wrong.values()) / len(wrong)
    assert gates.layout(state, batches, LossResult(parallel - 0.5, {})).status == "pass"
    assert gates.layout(state, batches, LossResult(parallel + 0.5, {})).status == "stop"
    assert wrong["codebook_3"].denominator == sum(batches[0]["frames"])
    assert base.loss > 0


def test_dropout_left_in_the_base_is_found(state):
    with torch.no_grad():  # a random model is sure of nothing; make it sure, as a trained one is
        for head in state.networks["decoder"].decoder.lm_heads:
            head.weight.mul_(50)
    batches, base = measured(state)
    assert gates.train_equals_eval(state, batches, base).status == "pass"
    for module in state.networks["decoder"].modules():
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.5
    assert gates.train_equals_eval(state, batches, base).value > gates.PARITY


def test_an_inverted_mask_is_found(state, monkeypatch):
    assert gates.trained_frames(state).status == "pass"

    def one_each(batch):
        return dict.fromkeys(batch["denominators"], 1.0)

    monkeypatch.setattr(state.family.objective, "loss_denominators", one_each)
    assert gates.trained_frames(state).status == "stop"


def test_leakage_by_name_and_source_is_found_but_not_a_gap_within_a_track():
    def sample(name, split, source, **span):
        return Sample(name, {"audio": AudioRef(f"{name}.wav", **span)}, {}, source=source, split=split)

    assert gates.leakage([sample("a", "train", "x"), sample("b", "valid", "y")]).status == "pass"
    assert gates.leakage([sample("a", "train", "x"), sample("b", "valid", "x")]).status == "stop"
    assert gates.leakage([sample("a", "train", "x"), sample("a", "valid", "y")]).status == "stop"
    within = [sample("a", "train", "x", end=20.0), sample("a", "valid", "x", start=22.0, end=30.0)]
    assert gates.leakage(within).status == "pass"


def test_a_stopped_gate_spends_nothing_and_names_itself(make_run):
    context = make_run(train=BASE, gates={})
    with pytest.raises(TunesmithError, match=r"gate base_loss: .* Nothing was trained"):
        train(context)
    assert not context.folder.final.exists()
    assert {g.name: g.status for g in context.folder.read_metrics(GateLine)}["base_loss"] == "stop"


def test_warn_goes_on_and_off_is_recorded(make_run):
    context = make_run(train={**BASE, "updates": 1}, gates={"base_loss": "warn", "layout": "off"})
    train(context)
    status = {g.name: g.status for g in context.folder.read_metrics(GateLine)}
    assert status["base_loss"] == "warn"
    assert status["layout"] == "off"
    assert status["train_equals_eval"] == "pass"


def test_terms_of_nothing_have_no_contribution():
    from tunesmith.families.loss_terms import combine

    term = LossTerm(torch.tensor(0.0), 0.0)
    assert combine({"a": term}, {"a": 0.0}) is None


def test_what_the_gates_saw_is_kept_as_a_sentence_with_its_values(make_run):
    context = make_run(train={**BASE, "updates": 1}, gates={"base_loss": "warn", "layout": "off"})
    train(context)
    lines = {line.name: line for line in read_metric_lines(context.folder.metrics) if isinstance(line, GateLine)}
    base = lines["base_loss"].message
    assert f"{base.values['loss']:.2f}" in str(base) and "limit" in str(base)
    assert base.render("zh").startswith(f"基础模型在您的音频上的损失为 {base.values['loss']:.2f}")
    assert lines["layout"].message.render("zh") == "已在配方中关闭"
