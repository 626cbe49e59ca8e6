"""The objective against itself: padding, batching, draws, drops and crops change what they should and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.golden_files import golden_path
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.ace_step import objective
from tunesmith.families.ace_step.collate import NO_LYRICS, chosen_lyrics, chosen_text, collate
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.objective import draw_sigma, held_out_sigmas, item_noise, sigma_table, upside_down
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.contract import Family
from tunesmith.families.loss_terms import LossAccumulator, add_denominators, combine, summed


def item(family: Family, frames: int, seed: int, lyrics: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    c = family.checkpoint.config
    lengths = [3 + seed % 4, 2, 4]
    ids = rng.integers(1, c.transformer.lyric_encoder_vocab_size, lyrics) if lyrics else np.array([NO_LYRICS])
    return {
        "latents": rng.standard_normal((c.latent_channels, c.latent_height, frames)).astype(np.float16),
        "text": rng.standard_normal((sum(lengths), c.transformer.text_embedding_dim)).astype(np.float16),
        "text_parts": np.array([[lengths[0], 0], [lengths[1], 0], [lengths[2], 1]], np.int32),
        "lyrics": ids.astype(np.int32),
        "lyric_sections": np.array([[1, 2], [3, 2]], np.int32),
        "speaker": np.zeros(c.transformer.speaker_embedding_dim, np.float32),
    }


@pytest.fixture(scope="module")
def family():
    return ACE_STEP.open(str(golden_path("ace_step/tiny_checkpoint")))


@pytest.fixture(scope="module")
def networks(family):
    return family.networks.load()


def measured(family, networks, items, rngs=None):
    meter = LossAccumulator()
    with torch.no_grad():
        meter.add(family.objective.loss(networks, family.objective.collate(items, rngs), rngs))
    return meter.result()


def mixed(family):
    lyrics = (6, 0, 9, 4)
    return [item(family, frames, seed, lyrics[seed]) for seed, frames in enumerate((9, 21, 14, 17))]


def test_a_batch_of_four_lengths_is_the_weighted_mean_of_four_singles(family, networks):
    items = mixed(family)
    whole = measured(family, networks, items)
    single = [measured(family, networks, [one]) for one in items]
    frames = np.array([one["latents"].shape[2] for one in items])
    for name, value in whole.terms.items():
        expected = sum(s.terms[name] * n for s, n in zip(single, frames, strict=True)) / frames.sum()
        assert value == pytest.approx(expected, abs=1e-5)


def test_gradients_do_not_depend_on_the_cut_into_micro_batches(family):
    items = mixed(family)
    rngs = [ItemRng(1, 0, str(i)) for i in range(len(items))]
    gradients = []
    for cut in ([[0, 1, 2, 3]], [[0], [1], [2], [3]], [[0, 2], [1, 3]]):
        network = family.networks.load()
        parameter = network["transformer"].transformer_blocks[3].attn.to_q.weight.requires_grad_(True)
        batches = [
            (family.objective.collate([items[i] for i in c], [rngs[i] for i in c]), [rngs[i] for i in c]) for c in cut
        ]
        totals = add_denominators(family.objective.loss_denominators(batch) for batch, _ in batches)
        for batch, own in batches:
            combine(family.objective.loss(network, batch, own), totals).backward()
        gradients.append(parameter.grad)
    assert gradients[0].abs().max() > 0
    for other in gradients[1:]:
        assert torch.allclose(gradients[0], other, atol=1e-6, rtol=1e-4)


def test_measuring_is_the_same_twice_and_names_its_noise_levels(family, networks):
    items = mixed(family)
    first, second = measured(family, networks, items), measured(family, networks, items)
    assert first == second
    assert list(first.terms) == [f"sigma_{level:.2f}" for level in held_out_sigmas(3.0)]
    assert first.loss == pytest.approx(np.mean(list(first.terms.values())))


def test_held_out_levels_are_the_quantiles_of_what_training_draws():
    drawn = np.array([draw_sigma(ItemRng(0, epoch, "x"), 3.0) for epoch in range(4000)])
    levels = held_out_sigmas(3.0)
    shares = [float((drawn > level).mean()) for level in levels]
    assert np.allclose(shares, [0.125, 0.375, 0.625, 0.875], atol=0.03)
    assert set(np.float32(drawn)) <= set(sigma_table(3.0))


def test_a_model_that_says_nothing_costs_the_level_of_knowing_nothing(family):
    class Silent(torch.nn.Module):
        config = family.checkpoint.config.transformer

        def encode(self, *args):
            return None

        def decode(self, latents, *args, **kwargs):
            return torch.zeros_like(latents)

    rng = np.random.default_rng(0)
    items = [item(family, 400, seed) for seed in range(4)]
    for one in items:
        one["latents"] = rng.standard_normal(one["latents"].shape).astype(np.float16)
    loss = measured(family, {"transformer": Silent()}, items).loss
    assert loss == pytest.approx(family.objective.chance_loss(), rel=0.02)


def test_all_levels_at_once_cost_what_each_costs_alone(family, networks, monkeypatch):
    batch = family.objective.collate(mixed(family), None)
    at_once = family.objective.loss(networks, batch, None)
    calls = count_calls(monkeypatch, networks["transformer"])
    family.objective.loss(networks, batch, None)
    assert len(calls) == 1
    monkeypatch.setattr(objective, "FRAMES_AT_ONCE", 0)
    alone = family.objective.loss(networks, batch, None)
    assert len(calls) == 1 + objective.HELD_OUT_LEVELS == 1 + len(alone)
    for name, term in alone.items():
        assert float(at_once[name].sum.detach()) == pytest.approx(float(term.sum.detach()), rel=1e-5)


def test_items_that_pass_together_cost_what_each_costs_alone(family, networks, monkeypatch):
    items = mixed(family)
    calls = count_calls(monkeypatch, networks["transformer"])
    together = family.objective.sums_of_each(networks, items, lambda batch: batch)
    assert len(calls) < len(items) == len(together)
    for one, found in zip(items, together, strict=True):
        alone = summed(family.objective.loss(networks, family.objective.collate([one], None), None))
        assert found == {name: replace(term, sum=pytest.approx(term.sum, rel=1e-5)) for name, term in alone.items()}


def test_texts_are_told_at_the_noisier_levels(family, networks):
    items = mixed(family)
    first, then = (family.objective.sums_of_each(networks, items, lambda batch: batch, look=look) for look in range(2))
    whole = family.objective.sums_of_each(networks, items, lambda batch: batch)
    for some, more, all_levels in zip(first, then, whole, strict=True):
        assert len(some) == len(more) == 1 and list({**more, **some}) == list(all_levels)[:2]
        for name, term in {**some, **more}.items():
            assert term == replace(all_levels[name], sum=pytest.approx(term.sum))


def test_items_are_measured_together_as_long_as_they_are_short(family):
    items = mixed(family) * 40
    frames = [item["latents"].shape[2] for item in items]
    groups = objective.measured_together(items)
    assert sorted(row for group in groups for row in group) == list(range(len(items)))
    padded = [len(group) * max(frames[row] for row in group) for group in groups]
    assert max(padded) <= objective.FRAMES_AT_ONCE
    assert min(padded[:-1]) > objective.FRAMES_AT_ONCE - 2 * max(frames)


def count_calls(monkeypatch, network) -> list[int]:
    calls, decode = [], network.decode

    def counted(latents, *args, **kwargs):
        calls.append(len(latents))
        return decode(latents, *args, **kwargs)

    monkeypatch.setattr(network, "decode", counted)
    return calls


def test_the_true_velocity_costs_nothing(family, monkeypatch):
    monkeypatch.setattr(objective, "FRAMES_AT_ONCE", 0)  # it knows the velocity of the batch as it was made

    class Knowing(torch.nn.Module):
        config = family.checkpoint.config.transformer
        batch: dict

        def encode(self, *args):
            return None

        def decode(self, latents, *args, **kwargs):
            return self.batch["noise"] - self.batch["latents"]

    network = Knowing()
    network.batch = family.objective.collate(mixed(family), None)
    terms = family.objective.loss({"transformer": network}, network.batch, None)
    assert all(term.sum.abs() < 1e-8 for term in terms.values())
    wrong = family.objective.loss({"transformer": network}, upside_down(network.batch), None)
    assert all(term.sum > 1 for term in wrong.values())


def test_noise_depends_on_item_and_epoch_and_a_crop_begins_with_the_same(family):
    latents = np.zeros((8, 16, 30), np.float32)
    one = item_noise(latents, ItemRng(0, 0, "a"))
    assert not np.array_equal(one, item_noise(latents, ItemRng(0, 0, "b")))
    assert not np.array_equal(one, item_noise(latents, ItemRng(0, 1, "a")))
    assert np.array_equal(one[..., :12], item_noise(latents[..., :12], ItemRng(0, 0, "a")))


def test_drops_happen_at_their_own_rates_independently(family):
    settings = AceStepSettings(text_dropout=0.3, lyric_dropout=0.2)
    one = item(family, 5, 0)
    text, lyrics = [], []
    for epoch in range(1500):
        rngs = ItemRng(0, epoch, "x")
        text.append(not chosen_text(one, rngs, settings).any())
        lyrics.append(len(chosen_lyrics(one, rngs, settings)) == 0)
    assert np.mean(text) == pytest.approx(0.3, abs=0.04)
    assert np.mean(lyrics) == pytest.approx(0.2, abs=0.04)
    assert np.mean(np.logical_and(text, lyrics)) == pytest.approx(0.06, abs=0.02)


def test_tags_vary_by_epoch_and_recaptions_take_their_share(family):
    settings = AceStepSettings(text_dropout=0.0)
    one = item(family, 5, 0)
    lengths = one["text_parts"][:, 0].tolist()
    seen = [len(chosen_text(one, ItemRng(0, epoch, "x"), settings)) for epoch in range(600)]
    shares = [seen.count(length) / len(seen) for length in lengths]
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.07)  # half tags in either order, half the recaption
    assert len(chosen_text(one, None, settings)) == lengths[0]


def test_no_lyrics_are_masked_out_as_they_are_when_generating(family):
    batch = collate([item(family, 5, 0, lyrics=0), item(family, 5, 1, lyrics=4)], None, AceStepSettings())
    assert batch["lyric_mask"].tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]
    assert batch["text_mask"].sum(1).tolist() == [3, 4]


def test_a_crop_takes_its_own_sections_when_asked(family):
    one = {**item(family, 5, 0), "crop": np.array([0, 10, 100])}
    settings = AceStepSettings(lyric_window=True)
    assert np.array_equal(chosen_lyrics(one, None, settings), one["lyrics"][:3])
    late = {**one, "crop": np.array([60, 40, 100])}
    assert np.array_equal(chosen_lyrics(late, None, settings), one["lyrics"][[0, 3, 4, 5]])
    assert np.array_equal(chosen_lyrics(late, None, AceStepSettings()), one["lyrics"])
