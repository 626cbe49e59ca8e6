"""The objective against transformers' own pieces, and against itself under padding and batching."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Family
from tunesmith.families.loss_terms import LossAccumulator, add_denominators, combine
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.families.musicgen.objective import (
    condition_dropout,
    cross_entropy_sums,
    decoder_input,
    delay,
    target_mask,
)


def item(family: Family, frames: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    c = family.checkpoint.config
    codes = rng.integers(0, c.vocab_size, (c.num_codebooks, frames)).astype(np.uint16)
    return {"codes": codes, "text": rng.standard_normal((3 + seed % 4, c.text_size)).astype(np.float32)}


def loss_of(family, networks, items) -> float:
    meter = LossAccumulator()
    with torch.no_grad():
        meter.add(family.objective.loss(networks, family.objective.collate(items, None), None))
    return meter.result().loss


@pytest.fixture(scope="module", params=["tiny", "tiny_stereo"])
def family(request):
    return MUSICGEN.open(str(request.getfixturevalue(request.param)))


@pytest.fixture(scope="module")
def networks(family):
    return family.networks.load()


def test_delay_equals_the_pattern_transformers_generates_with(family, networks):
    frames = 12
    codes = torch.from_numpy(item(family, frames, 1)["codes"].astype(np.int64))[None]
    k, pad = family.checkpoint.config.num_codebooks, family.checkpoint.config.pad
    ours = delay(codes, family.checkpoint.config.delays, pad)
    start = torch.full((k, 1), pad)
    given = torch.cat([start, codes[0]], dim=1)
    _, mask = networks["decoder"].decoder.build_delay_pattern_mask(given, pad_token_id=pad, max_length=frames + 1 + k)
    assert torch.equal(mask[:, 1 : frames + 1], ours[0])
    assert torch.equal(decoder_input(ours, pad)[0], mask[:, :frames])


def test_delay_by_hand():
    codes = torch.tensor([[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]])
    assert delay(codes, (0, 1, 2), 99).tolist() == [[[1, 2, 3, 4], [99, 5, 6, 7], [99, 99, 9, 10]]]
    assert target_mask([3], 4, (0, 1, 2)).int().tolist() == [[[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]]]


def test_loss_equals_transformers_given_the_delayed_labels(family, networks):
    one = item(family, 20, 2)
    network, pad = networks["decoder"], family.checkpoint.config.pad
    batch = family.objective.collate([one], None)
    delayed = delay(batch["codes"], family.checkpoint.config.delays, pad)
    inputs = decoder_input(delayed, pad)
    with torch.no_grad():
        theirs = network.decoder(
            input_ids=inputs.reshape(-1, inputs.shape[-1]),
            encoder_hidden_states=network.project(batch["text"], batch["text_mask"]),
            encoder_attention_mask=batch["text_mask"].long(),
            labels=delayed.masked_fill(delayed == pad, -100).transpose(1, 2),
            use_cache=False,
        ).loss.item()
    assert loss_of(family, networks, [one]) == pytest.approx(theirs, abs=1e-5)


def test_dropout_is_zero_everywhere_although_the_config_says_otherwise(family, networks):
    assert family.checkpoint.config.raw["decoder"]["dropout"] == 0.1
    one = [item(family, 20, 3)]
    networks["decoder"].train()
    training = loss_of(family, networks, one)
    networks["decoder"].eval()
    assert training == pytest.approx(loss_of(family, networks, one), abs=1e-7)


def test_padding_to_twice_the_length_changes_nothing(family, networks):
    short, long = item(family, 30, 4), item(family, 60, 5)
    alone = family.objective.loss(networks, family.objective.collate([short], None), None)
    batch = family.objective.collate([short, long], None)
    padded = {**batch, "frames": [30, 0]}
    with torch.no_grad():
        beside = family.objective.loss(
            networks, {**padded, "denominators": {k: t.denominator for k, t in alone.items()}}, None
        )
    for name, term in alone.items():
        assert beside[name].sum.item() / term.denominator == pytest.approx(term.sum.item() / term.denominator, abs=1e-5)


def test_four_mixed_lengths_equal_the_weighted_mean_of_four_singles(family, networks):
    items = [item(family, frames, frames) for frames in (9, 17, 31, 50)]
    with torch.no_grad():
        together = family.objective.loss(networks, family.objective.collate(items, None), None)
        singles = [family.objective.loss(networks, family.objective.collate([one], None), None) for one in items]
    for name, term in together.items():
        weight = sum(s[name].denominator for s in singles)
        mean = sum(s[name].sum.item() for s in singles) / weight
        assert term.denominator == weight
        assert term.sum.item() / term.denominator == pytest.approx(mean, abs=1e-5)


def test_an_empty_codebook_is_left_out_not_nan(family, networks):
    shortest = item(family, max(family.checkpoint.config.delays), 6)
    batch = family.objective.collate([shortest], None)
    with torch.no_grad():
        terms = family.objective.loss(networks, batch, None)
    last = terms[f"codebook_{family.checkpoint.config.num_codebooks - 1}"]
    assert last.denominator == 0
    totals = add_denominators([family.objective.loss_denominators(batch)])
    loss = combine(terms, totals)
    filled = [t.sum.item() / t.denominator for t in terms.values() if t.denominator]
    assert loss is not None
    assert loss.item() == pytest.approx(sum(filled) / len(filled), abs=1e-6)


def test_a_fresh_model_starts_at_a_uniform_guess(family, networks):
    assert loss_of(family, networks, [item(family, 100, 7)]) == pytest.approx(family.objective.chance_loss(), rel=0.03)


def test_text_dropout_is_keyed_by_clip_and_epoch_and_zeroes_the_row(family):
    rngs = [ItemRng(1, epoch, "clip") for epoch in range(400)]
    kept = condition_dropout(rngs, 0.15, 400)
    assert 0.78 < kept.mean().item() < 0.92
    assert torch.equal(kept, condition_dropout(rngs, 0.15, 400))
    dropped = next(
        d for d, k in zip(rngs, condition_dropout(rngs, family.settings.text_dropout, 400), strict=True) if k == 0
    )
    batch = family.objective.collate([item(family, 10, 8)], [dropped])
    assert batch["text_mask"].sum() == 0


def test_dropped_text_equals_no_text_at_all(family, networks):
    one = item(family, 25, 9)
    batch = family.objective.collate([one], None)
    masked = {**batch, "text_mask": torch.zeros_like(batch["text_mask"])}
    silent = {**batch, "text": torch.zeros_like(batch["text"]), "text_mask": torch.zeros_like(batch["text_mask"])}
    with torch.no_grad():
        a = family.objective.loss(networks, masked, None)["codebook_0"].sum.item()
        b = family.objective.loss(networks, silent, None)["codebook_0"].sum.item()
        c = family.objective.loss(networks, batch, None)["codebook_0"].sum.item()
    assert a == pytest.approx(b, abs=1e-5)
    assert abs(a - c) > 1e-4


def test_a_clip_shorter_than_a_delay_has_nothing_of_that_codebook():
    codes = torch.tensor([[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]])
    assert delay(codes, (0, 4, 6), 99).tolist() == [[[1, 2, 3, 4], [99] * 4, [99] * 4]]


def test_captions_are_all_kept_or_all_dropped_at_the_ends_of_the_rate():
    rngs = [ItemRng(1, epoch, "clip") for epoch in range(20)]
    assert condition_dropout(rngs, 0.0, 20).tolist() == [1.0] * 20
    assert condition_dropout(rngs, 1.0, 20).tolist() == [0.0] * 20
    assert condition_dropout(None, 1.0, 3).tolist() == [1.0] * 3


def test_no_keys_are_kept_and_each_head_reads_its_own_targets(family):
    k, pad = family.checkpoint.config.num_codebooks, family.checkpoint.config.pad
    seen = {}

    def model(**given):
        seen.update(given)
        return SimpleNamespace(last_hidden_state=torch.zeros(1, 12, 8))

    heads = [lambda hidden: torch.zeros(len(hidden), 4) for _ in range(k)]
    network = SimpleNamespace(project=lambda text, mask: text, decoder=SimpleNamespace(model=model, lm_heads=heads))
    batch = {
        "codes": torch.ones(1, k, 12, dtype=torch.long),
        "frames": [12],
        "text": torch.zeros(1, 3, 8),
        "text_mask": torch.tensor([[1.0, 1.0, 0.0]]),
        "text_is_whole": False,
    }
    sums = cross_entropy_sums(network, batch, family.checkpoint.config.delays, pad)
    counts = [12 - shift for shift in family.checkpoint.config.delays]
    assert [float(total) for total in sums] == pytest.approx([count * math.log(4) for count in counts])
    assert seen["use_cache"] is False and seen["encoder_attention_mask"][0, 0, 5].tolist() == [True, True, False]
    assert seen["input_ids"].shape == (k, 12)
