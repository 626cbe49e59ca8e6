"""Parts of both objectives against their formulas written out: the flow's path, sampled codes, speech backwards."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.objective import backwards, sampled_codes, velocity_error

SIGMA_MIN = 1e-6


def test_the_flow_s_error_is_that_of_the_straight_path():
    generator = torch.Generator().manual_seed(0)
    mel, noise, mu, cond = (torch.randn(2, 3, 4, generator=generator) for _ in range(4))
    spk, t = torch.randn(2, 3, generator=generator), torch.tensor([0.25, 0.75])
    counted = torch.tensor([[[1.0, 1, 1, 1]], [[0.0, 1, 1, 0]]])
    seen = []

    def velocity(y, mask, *given):
        seen.append((mask, *given))
        return 0.5 * y

    total = velocity_error(velocity, mel, noise, t, (None, mu, spk, cond), counted)
    wanted = 0.0
    for item in range(2):
        time, x, z = float(t[item]), mel[item].double().numpy(), noise[item].double().numpy()
        path = (1 - (1 - SIGMA_MIN) * time) * z + time * x
        error = np.square(0.5 * path - (x - (1 - SIGMA_MIN) * z))
        wanted += float((error * counted[item].double().numpy()).sum()) / 3
    assert float(total) == pytest.approx(wanted, rel=1e-5)
    mask, *given = seen[0]
    assert mask is None and all(a is b for a, b in zip(given, (mu, t, spk, cond), strict=True))
    still = torch.zeros_like(noise)  # where the mel is zero and time 1, all that is left of the path is sigma_min of it
    left = velocity_error(lambda y, *_: y * 1e6, still, noise, torch.ones(2), (None, mu, spk, cond), counted)
    assert float(left) == pytest.approx(float(((2 * noise).square() * counted).sum() / 3), rel=0.2)


IDS = SimpleNamespace(audio_base=2, audio_end=8, vq02=3)
"""Six audio codes: three of the one codebook, three of the other."""


def sampled(share: float, epoch: int, temperature: float = 1.0) -> dict[int, np.ndarray]:
    logits = torch.tensor([0.0, 0.0, *np.log([0.7, 0.2, 0.1]), *np.log([0.1, 0.1, 0.8])]).float()
    batch = {"llm_rows": [0, 1, 2], "llm_lengths": [6, 6, 6], "flow_rows": [0, 2]}
    settings = SimpleNamespace(temperature=temperature, sampled_share=share)
    rngs = [ItemRng(0, epoch, str(row)) for row in range(3)]
    return sampled_codes(logits.repeat(18, 1), batch, rngs, settings, IDS)


def test_codes_are_sampled_from_the_codebook_whose_turn_it_is_as_often_as_the_model_says():
    drawn = [sampled(1.0, epoch) for epoch in range(1500)]
    assert all(codes.keys() == {0, 2} and len(codes[0]) == 5 for codes in drawn), "an item without flow hears nothing"
    codes = np.stack([one[0] for one in drawn])
    first, second = codes[:, :2] - IDS.audio_base, codes[:, 2:] - IDS.audio_base - IDS.vq02
    assert np.bincount(first.ravel(), minlength=3) / first.size == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
    assert np.bincount(second.ravel(), minlength=3) / second.size == pytest.approx([0.1, 0.1, 0.8], abs=0.03)
    assert not np.array_equal(codes, np.stack([one[2] for one in drawn])), "every item draws for itself"


def test_some_items_hear_sampled_codes_and_a_cold_model_is_sure():
    drawn = [0 in sampled(0.3, epoch) for epoch in range(1500)]
    assert np.mean(drawn) == pytest.approx(0.3, abs=0.04)
    assert sampled(1.0, 0, temperature=0.0)[0].tolist() == [2, 2, 7, 7, 7]
    assert sampled(0.0, 0) == {}


def test_each_item_samples_from_its_own_places():
    batch = {"llm_rows": [0, 1], "llm_lengths": [3, 4], "flow_rows": [0, 1]}
    wanted = [1, 2, 0, 0, 1, 2, 0]
    logits = torch.full((7, 8), -50.0)
    for place, code in enumerate(wanted):
        logits[place, IDS.audio_base + code] = logits[place, IDS.audio_base + IDS.vq02 + code] = 50.0
    settings = SimpleNamespace(temperature=1.0, sampled_share=1.0)
    found = sampled_codes(logits, batch, [ItemRng(0, 0, str(row)) for row in range(2)], settings, IDS)
    assert (found[0] - 2).tolist() == [1, 2] and (found[1] - 2).tolist() == [0, 1, 3 + 2]


def test_backwards_turns_groups_of_codes_and_counted_frames():
    group = 5
    codes = [torch.arange(10, 20), torch.arange(30, 35)]
    rows, width = 2, 14
    ids = torch.arange(rows * width).reshape(rows, width) + 100
    places = [torch.arange(2, 13), width + torch.arange(4, 10)]  # each codes and <|EOT|>; a place predicts the next id
    targets = torch.cat([codes[0], torch.tensor([7]), codes[1], torch.tensor([7])])
    mel = torch.arange(2 * 6 * 2.0).reshape(2, 6, 2)
    batch = {
        "llm_rows": [0, 1], "llm_lengths": [11, 6], "llm_ids": ids, "llm_targets": targets,
        "llm_places": torch.cat(places), "flow_rows": [0, 1], "x1": mel,
        "loss_mask": torch.tensor([[0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1.0]]),
    }  # fmt: skip
    before = {name: batch[name].clone() for name in ("llm_ids", "llm_targets", "x1")}
    wrong = backwards(batch)
    turned = torch.cat([codes[0][group:], codes[0][:group], torch.tensor([7]), codes[1], torch.tensor([7])])
    assert torch.equal(wrong["llm_targets"], turned)
    flat = before["llm_ids"].flatten().clone()
    flat[places[0][:-1] + 1], flat[places[1][:-1] + 1] = turned[:10], codes[1]
    assert torch.equal(wrong["llm_ids"].flatten(), flat)
    assert torch.equal(wrong["x1"][0], mel[0][[0, 3, 2, 1, 4, 5]]) and torch.equal(wrong["x1"][1], mel[1].flip(0))
    assert all(torch.equal(batch[name], value) for name, value in before.items()), "the batch itself is left alone"
    nothing = {"llm_rows": [], "flow_rows": []}
    assert backwards(nothing) == nothing
