"""Draws, epochs and micro-batches: keyed, complete, little padding."""

from __future__ import annotations

import numpy as np

from tunesmith.data.batches import micro_batches, padding_share, plan_epoch
from tunesmith.data.item_rng import ItemRng


def plan(ids, lengths, epoch=0, per_update=8, seed=1):
    return plan_epoch(ids, np.asarray(lengths), per_update=per_update, seed=seed, epoch=epoch)


def test_draws_depend_on_what_they_are_for_and_on_nothing_else():
    one = ItemRng(1, 2, "clip")
    assert one.generator("crop").random() == ItemRng(1, 2, "clip").generator("crop").random()
    others = [ItemRng(2, 2, "clip"), ItemRng(1, 3, "clip"), ItemRng(1, 2, "clap")]
    values = {d.generator("crop").random() for d in [one, *others]} | {one.generator("noise").random()}
    assert len(values) == 5


def test_every_clip_comes_once_per_epoch_and_epochs_differ():
    ids = [f"{i}" for i in range(37)]
    lengths = np.arange(37) + 5
    first, second = plan(ids, lengths), plan(ids, lengths, epoch=1)
    assert sorted(i for u in first.updates for i in u) == list(range(37))
    assert first.updates == plan(ids, lengths).updates
    assert first.updates != second.updates


def test_the_order_follows_ids_not_positions():
    ids = [f"{i}" for i in range(16)]
    lengths = np.arange(16)
    turned = ids[::-1]
    names = [{ids[i] for i in u} for u in plan(ids, lengths).updates]
    assert names == [{turned[i] for i in u} for u in plan(turned, lengths[::-1]).updates]


def test_micro_batches_keep_to_size_and_budget():
    lengths = np.array([100, 10, 50, 20, 500, 40])
    cut = micro_batches(range(6), lengths, size=3, token_budget=120)
    assert sorted(i for b in cut for i in b) == list(range(6))
    assert all(len(b) <= 3 for b in cut)
    assert all(len(b) * lengths[b].max() <= 120 or len(b) == 1 for b in cut)
    assert [4] in cut


def test_little_is_padded_after_bucketing():
    rng = np.random.default_rng(0)
    lengths = rng.integers(250, 1500, 3000)
    ids = [f"{i}" for i in range(3000)]
    cut = [b for u in plan(ids, lengths, per_update=16).updates for b in micro_batches(u, lengths, size=4)]
    shuffled = rng.permutation(3000).reshape(-1, 4)
    assert padding_share(cut, lengths) < 0.03
    assert padding_share([list(b) for b in shuffled], lengths) > 0.2
