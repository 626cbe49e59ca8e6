"""Both objectives against themselves: padding, batching, prompts, drops and the joint stage change what they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.families.step_audio.tiny_checkpoint import FLOW_SIZES
from tunesmith.adapters.attach import attach, unwrap_peft
from tunesmith.adapters.parameters import trainable
from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Family
from tunesmith.families.loss_terms import LossAccumulator, add_denominators, combine
from tunesmith.families.step_audio.collate import ABSENT_FRAMES, ABSENT_IDS
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.objective import answer_logits, sampled_codes, with_codes
from tunesmith.families.step_audio.tokens import flow_tokens, unpack
from tunesmith.run.adapted import on_device


def options(family, **values) -> Family:
    return STEP_AUDIO.open(family.path, family.type.settings(**values))


@pytest.fixture
def networks(tiny_family):
    """LoRA on the LLM with an effect, the flow's decoder itself."""
    recipe = AdapterRecipe(rank=2, alpha=4, networks={FLOW: {"kind": "full"}})
    made = attach(on_device(tiny_family.networks.load(), "cpu"), recipe, tiny_family.adapters.defaults(), seed=0)
    with torch.no_grad():
        for name, parameter in made[LLM].named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return made


@pytest.fixture
def mixed(items):
    """Six lengths; one sample without texts, one that came as tokens alone."""
    silent = {"mel": np.zeros((ABSENT_FRAMES, FLOW_SIZES.output_size), np.float32), "mu": np.zeros((1, 10), np.float32)}
    return [items[0], items[1], {**items[2], "ids": ABSENT_IDS}, items[3], {**items[4], **silent}, items[6]]


def draws_of(items, epoch=0):
    return [ItemRng(3, epoch, str(number)) for number in range(len(items))]


def terms_of(family, networks, items, rngs=None, **batch):
    return family.objective.loss(networks, {**family.objective.collate(items, rngs), **batch}, rngs)


def test_only_the_answer_and_its_end_cost_anything(tiny_family, networks, items):
    batch = tiny_family.objective.collate(items[:3], None)
    llm = unwrap_peft(networks[LLM])
    with torch.no_grad():
        logits = llm(batch["llm_ids"])
        mask = torch.zeros_like(batch["llm_ids"], dtype=torch.bool)
        labels = torch.full_like(batch["llm_ids"], -100)
        for row, one in enumerate(items[:3]):
            first, end = len(one["ids"]), len(one["ids"]) + len(one["codes"])
            mask[row, : end + 1] = True
            labels[row, first:end] = torch.from_numpy(one["codes"].astype(np.int64))
            labels[row, end] = tiny_family.checkpoint.ids.eot
        masked = llm(batch["llm_ids"], mask)
        terms = tiny_family.objective.loss({LLM: networks[LLM]}, batch, None)
    expected = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    assert float(terms["llm"].sum / terms["llm"].denominator) == pytest.approx(float(expected), abs=1e-5)
    assert torch.allclose(logits[mask], masked[mask], atol=1e-5)
    right = (logits[:, :-1].argmax(-1) == labels[:, 1:]).sum()
    assert float(terms["llm_accuracy"].sum) == float(right) and terms["llm_accuracy"].weight == 0


def test_logits_are_made_at_the_answer_alone(tiny_family, networks, items):
    batch = tiny_family.objective.collate(items[:2], None)
    shape = answer_logits(unwrap_peft(networks[LLM]), batch).shape
    assert shape == (batch["denominators"]["llm"], unwrap_peft(networks[LLM]).config.vocab_size)
    assert shape[0] < batch["llm_ids"].numel() / 2


def test_a_batch_is_the_sum_of_its_singles_with_gradients(tiny_family, networks, mixed):
    rngs, gradients, losses = draws_of(mixed), [], []
    for cut in ([[0, 1, 2, 3, 4, 5]], [[0], [1], [2], [3], [4], [5]], [[0, 4], [5, 2], [1, 3]]):
        batches = [
            (tiny_family.objective.collate([mixed[i] for i in c], [rngs[i] for i in c]), [rngs[i] for i in c])
            for c in cut
        ]
        totals = add_denominators(tiny_family.objective.loss_denominators(batch) for batch, _ in batches)
        meter = LossAccumulator()
        for batch, own in batches:
            terms = tiny_family.objective.loss(networks, batch, own)
            meter.add(terms)
            combine(terms, totals).backward()
        losses.append(meter.result().terms)
        gradients.append({k: p.grad.clone() for k, p in trainable(networks).items()})
        for parameter in trainable(networks).values():
            parameter.grad = None
    assert set(losses[0]) == {"llm", "flow"}
    for other in losses[1:]:
        assert other == pytest.approx(losses[0], abs=1e-5)
    for other in gradients[1:]:
        for name, gradient in gradients[0].items():
            limit = 1e-5 * max(1.0, float(gradient.abs().max()))
            assert float((gradient - other[name]).abs().max()) <= limit, name
    assert all(float(g.abs().max()) > 0 for key, g in gradients[0].items() if key.network == "llm")


def test_measuring_is_the_same_twice_and_in_any_cut(tiny_family, networks, mixed):
    def measured(cut):
        meter = LossAccumulator()
        with torch.no_grad():
            for batch in cut:
                meter.add(terms_of(tiny_family, networks, batch))
        return meter.result()

    whole = measured([mixed])
    assert measured([mixed]) == whole
    assert measured([[one] for one in mixed]).terms == pytest.approx(whole.terms, abs=1e-5)
    flow = [value for name, value in whole.terms.items() if name.startswith("flow")]
    assert whole.loss == pytest.approx(0.4 * whole.terms["llm"] + 0.6 * np.mean(flow))


class Listening:
    """Stands for the velocity and keeps what it was given."""

    def __init__(self, flow) -> None:
        self.flow, self.given = flow, None

    def __enter__(self):
        self.flow.velocity = self
        return self

    def __exit__(self, *error):
        del self.flow.velocity

    def __call__(self, y, mask, mu, t, spk, cond):
        self.given = {"y": y, "mask": mask, "mu": mu, "t": t, "spk": spk, "cond": cond}
        self.made = torch.zeros_like(y).requires_grad_(True)
        return self.made


def test_prompt_and_padding_carry_no_flow_loss(tiny_family, networks, items):
    with Listening(networks[FLOW]) as heard:
        terms = terms_of(tiny_family, {FLOW: networks[FLOW]}, items[:3], draws_of(items[:3]))
        terms["flow"].sum.backward()
    felt = heard.made.grad.abs().sum(dim=1)
    for row, one in enumerate(items[:3]):
        prompt, frames = len(one["prompt_mel"]), len(one["prompt_mel"]) + len(one["mel"])
        assert not felt[row, :prompt].any() and not felt[row, frames:].any()
        assert (felt[row, prompt:frames] > 0).all()


def test_a_drop_takes_every_condition_after_the_affine(tiny_family, networks, items):
    keep = torch.tensor([1.0, 0.0])
    affine = networks[FLOW].spk_embed_affine_layer
    assert affine.bias.abs().max() > 0
    with Listening(networks[FLOW]) as heard:
        batch = tiny_family.objective.collate(items[:2], None)
        tiny_family.objective.loss({FLOW: networks[FLOW]}, {**batch, "keep": keep}, None)
    for name in ("mu", "spk", "cond"):
        assert heard.given[name][0].any() and not heard.given[name][1].any(), name
    unit = F.normalize(batch["speaker"][0], dim=0)
    assert torch.allclose(heard.given["spk"][0], affine(unit), atol=1e-6)
    assert torch.allclose(heard.given["mu"][0], batch["mu"][0].T)


def test_kept_encoder_output_is_what_the_encoder_makes_of_the_batch(tiny_family, networks, items):
    batch = tiny_family.objective.collate(items[:3], None)
    with torch.no_grad():
        made, _ = networks[FLOW].eval().mu(batch["flow_tokens"], batch["token_lengths"])
    assert torch.allclose(made, batch["mu"], atol=1e-5)


def test_both_together_without_sampled_codes_are_two_losses_weighed(tiny_family, networks, mixed):
    rngs = draws_of(mixed)
    alone = options(tiny_family, sampled_share=0.0, llm_weight=0.3, flow_weight=0.9)
    together = terms_of(alone, networks, mixed, rngs)
    apart = terms_of(alone, {LLM: networks[LLM]}, mixed, rngs) | terms_of(alone, {FLOW: networks[FLOW]}, mixed, rngs)
    for name, scale in (("llm", 0.3), ("flow", 0.9)):
        assert torch.equal(together[name].sum, apart[name].sum)
        assert (together[name].weight, apart[name].weight) == (scale, 1.0)
    totals = alone.objective.loss_denominators(alone.objective.collate(mixed, rngs))
    means = {name: float(apart[name].sum.detach()) / totals[name] for name in ("llm", "flow")}
    assert float(combine(together, totals).detach()) == pytest.approx(0.3 * means["llm"] + 0.9 * means["flow"])


def test_sampled_codes_are_in_phase_as_long_and_the_same_again(tiny_family, networks, mixed):
    always = options(tiny_family, sampled_share=1.0)
    rngs = draws_of(mixed)
    batch = always.objective.collate(mixed, rngs)
    logits = answer_logits(unwrap_peft(networks[LLM]), batch).detach()
    heard = sampled_codes(logits, batch, rngs, always.settings, always.checkpoint.ids)
    assert sorted(heard) == [0, 1, 3, 5]  # the one without texts is not sampled, the one without audio not heard
    for row, codes in heard.items():
        vq02, vq06 = unpack(codes, always.checkpoint.ids)  # raises when out of phase
        assert len(vq02) + len(vq06) == len(mixed[row]["codes"])
        assert not np.array_equal(codes, mixed[row]["codes"])
    again = sampled_codes(logits, batch, rngs, always.settings, always.checkpoint.ids)
    assert all(np.array_equal(heard[row], again[row]) for row in heard)
    later = sampled_codes(logits, batch, draws_of(mixed, epoch=1), always.settings, always.checkpoint.ids)
    assert any(not np.array_equal(heard[row], later[row]) for row in heard)


def test_the_chosen_share_hears_them(tiny_family, networks, items):
    some = options(tiny_family, sampled_share=0.3)
    one, counts = items[:1], 0
    logits = answer_logits(unwrap_peft(networks[LLM]), some.objective.collate(one, None)).detach()
    batch = some.objective.collate(one, None)
    for epoch in range(300):
        counts += len(sampled_codes(logits, batch, draws_of(one, epoch), some.settings, some.checkpoint.ids))
    assert counts / 300 == pytest.approx(0.3, abs=0.08)


def test_a_cold_llm_hears_its_likeliest_code_of_the_codebook_whose_turn_it_is(tiny_family, networks, items):
    cold = options(tiny_family, sampled_share=1.0, temperature=0.0)
    batch, rngs = cold.objective.collate(items[:1], None), draws_of(items[:1])
    logits = answer_logits(unwrap_peft(networks[LLM]), batch).detach()
    codes = sampled_codes(logits, batch, rngs, cold.settings, cold.checkpoint.ids)[0]
    ids = cold.checkpoint.ids
    split = ids.audio_base + ids.vq02
    for place, code in enumerate(codes):
        first, end = (ids.audio_base, split) if place % 5 < 2 else (split, ids.audio_end)
        assert code == first + int(logits[place, first:end].argmax())


def test_hearing_sampled_codes_changes_the_targets_mu_alone(tiny_family, networks, items):
    batch = tiny_family.objective.collate(items[:3], draws_of(items[:3]))
    codes = np.roll(items[1]["codes"].reshape(-1, 5), 1, axis=0).ravel()
    changed = with_codes(batch, {1: codes}, tiny_family.checkpoint.ids)
    begin, made = len(items[1]["prompt_codes"]) // 5 * 3, flow_tokens(codes, tiny_family.checkpoint.ids)
    assert np.array_equal(changed["flow_tokens"][1, begin : begin + len(made)].numpy(), made)
    assert torch.equal(changed["flow_tokens"][1, :begin], batch["flow_tokens"][1, :begin])
    assert torch.equal(changed["flow_tokens"][[0, 2]], batch["flow_tokens"][[0, 2]])
    assert batch["mu_rows"] == [] and changed["mu_rows"] == [1]
    networks[FLOW].train()
    with Listening(networks[FLOW]) as heard:
        tiny_family.objective.loss({FLOW: networks[FLOW]}, {**changed, "keep": torch.ones(3)}, draws_of(items[:3]))
    mu = heard.given["mu"].mT
    assert not networks[FLOW].encoder.training
    assert torch.equal(mu[[0, 2]], batch["mu"][[0, 2]]) and not torch.allclose(mu[1], batch["mu"][1], atol=1e-3)
    alone = np.concatenate([items[1]["prompt_codes"], codes])
    with tiny_family.encoding.encoder() as encoder:
        expected = encoder.mu(alone)
    assert np.allclose(mu[1, : len(expected)].detach().numpy(), expected, atol=1e-5)
    assert not mu[1, len(expected) :].any()


def test_the_joint_stage_hears_samples_and_gradients_reach_only_what_is_trained(tiny_family, networks, items):
    always, rngs = options(tiny_family, sampled_share=1.0), draws_of(items[:4])
    never = options(tiny_family, sampled_share=0.0)
    sampled = terms_of(always, networks, items[:4], rngs)
    assert not torch.equal(sampled["flow"].sum, terms_of(never, networks, items[:4], rngs)["flow"].sum)
    assert torch.equal(sampled["flow"].sum, terms_of(always, networks, items[:4], rngs)["flow"].sum)
    with torch.no_grad():  # nothing is sampled while measuring
        held_out = [terms_of(family, networks, items[:4]) for family in (always, never)]
    assert all(torch.equal(held_out[0][name].sum, held_out[1][name].sum) for name in held_out[0])
    combine(sampled, always.objective.loss_denominators(always.objective.collate(items[:4], rngs))).backward()
    reached = {k for n, m in networks.items() for k, p in m.named_parameters(prefix=n) if p.grad is not None}
    assert reached == {str(key) for key in trainable(networks)}
    assert all("lora_" in name or name.startswith("flow.decoder.") for name in reached)


def test_an_encoder_that_trains_gets_gradients_and_no_dropout(tiny_family, items):
    free = options(tiny_family, freeze_encoder=False)
    assert "mu" not in {spec.name for spec in free.encoding.fields()}
    base = free.networks.load()
    assert base[FLOW].config.encoder.dropout_rate > 0
    recipe = AdapterRecipe(networks={FLOW: {"kind": "full"}})
    networks = attach(base, recipe, free.adapters.defaults(), seed=0)
    networks[FLOW].train()
    short, rngs = [{k: v for k, v in one.items() if k != "mu"} for one in items[:2]], draws_of(items[:2])
    first = terms_of(free, {FLOW: networks[FLOW]}, short, rngs)["flow"].sum
    assert torch.equal(first, terms_of(free, {FLOW: networks[FLOW]}, short, rngs)["flow"].sum)
    first.backward()
    parts = {name.split(".")[0] for name, p in networks[FLOW].named_parameters() if p.grad is not None}
    assert parts == {"decoder", "encoder", "encoder_proj", "input_embedding", "spk_embed_affine_layer"}
    kept = terms_of(tiny_family, {FLOW: networks[FLOW]}, items[:2], rngs)["flow"].sum
    assert torch.allclose(first, kept, rtol=1e-5)


def test_a_batch_for_one_network_alone_gives_no_term_of_the_other(tiny_family, networks, items):
    silent = {"mel": np.zeros((ABSENT_FRAMES, FLOW_SIZES.output_size), np.float32), "mu": np.zeros((1, 10), np.float32)}
    tokens = [{**items[0], **silent}]
    assert set(terms_of(tiny_family, networks, tokens, draws_of(tokens))) == {"llm"}
    texts = [{**items[0], "ids": ABSENT_IDS}]
    assert set(terms_of(tiny_family, networks, texts, draws_of(texts))) == {"flow"}
    assert terms_of(tiny_family, {LLM: networks[LLM]}, texts, draws_of(texts)) == {}
