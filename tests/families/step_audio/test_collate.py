"""Batches of speech: what is given, what is drawn, what counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.collate import ABSENT_FRAMES, ABSENT_IDS, HELD_OUT_TIMES, collate
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.tokens import flow_tokens, pack

IDS = TokenIds(audio_base=30, vq02=6, vq06=9)
BINS = 4


def item(groups: int, prompt_groups: int, seed: int, *, text: bool = True, audio: bool = True) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def codes(count: int) -> np.ndarray:
        return np.array(pack(rng.integers(0, 6, 2 * count), rng.integers(0, 9, 3 * count), IDS), np.int32)

    def mel(count: int) -> np.ndarray:
        return rng.standard_normal((6 * count if audio else ABSENT_FRAMES, BINS)).astype(np.float32)

    return {
        "codes": codes(groups),
        "prompt_codes": codes(prompt_groups),
        "ids": rng.integers(5, 30, 4 + seed).astype(np.int32) if text else ABSENT_IDS,
        "mel": mel(groups),
        "prompt_mel": mel(prompt_groups),
        "speaker": rng.standard_normal(5).astype(np.float32),
        "mu": rng.standard_normal((6 * (groups + prompt_groups) if audio else ABSENT_FRAMES, BINS)).astype(np.float32),
    }


def drawn(items, settings=None, epoch=0):
    rngs = [ItemRng(0, epoch, str(number)) for number in range(len(items))]
    return collate(items, rngs, settings or StepAudioSettings(), IDS)


def test_targets_are_the_answer_and_its_end_read_from_the_place_before_each():
    items = [item(2, 1, 1), item(3, 1, 0)]
    batch = drawn(items)
    assert batch["denominators"]["llm"] == 11 + 16 == len(batch["llm_targets"])
    expected = np.concatenate([np.append(one["codes"], IDS.eot) for one in items])
    assert np.array_equal(batch["llm_targets"].numpy(), expected)
    flat = batch["llm_ids"].flatten()
    assert torch.equal(flat[batch["llm_places"] + 1], batch["llm_targets"])
    for row, one in enumerate(items):
        first = int(batch["llm_places"][0 if row == 0 else 11]) - row * batch["llm_ids"].shape[1]
        assert first == len(one["ids"]) - 1
        length = len(one["ids"]) + len(one["codes"]) + 1
        assert not batch["llm_ids"][row, length:].any()


def test_a_sample_that_one_network_cannot_learn_from_is_left_out_of_it_alone():
    batch = drawn([item(2, 1, 0, text=False), item(1, 1, 1, audio=False), item(3, 2, 2)])
    assert (batch["llm_rows"], batch["flow_rows"]) == ([1, 2], [0, 2])
    assert batch["denominators"] == {"llm": 6.0 + 16.0, "flow": 12.0 + 18.0}
    assert len(batch["llm_ids"]) == 2 and len(batch["x1"]) == len(batch["speaker"]) == 2
    only_text = drawn([item(1, 1, 1, audio=False)])
    assert only_text["flow_rows"] == [] and "x1" not in only_text and only_text["denominators"] == {"llm": 6.0}
    only_sound = drawn([item(1, 1, 1, text=False)])
    assert only_sound["llm_rows"] == [] and "llm_ids" not in only_sound
    assert only_sound["denominators"] == {"llm": 0.0, "flow": 6.0}


def test_the_flow_sees_prompt_and_target_and_only_the_target_counts():
    items = [item(2, 1, 0), item(1, 3, 1)]
    batch = collate(items, None, StepAudioSettings(), IDS)
    for row, one in enumerate(items):
        prompt, frames = len(one["prompt_mel"]), len(one["prompt_mel"]) + len(one["mel"])
        assert np.array_equal(batch["x1"][row, :frames].numpy(), np.concatenate([one["prompt_mel"], one["mel"]]))
        assert np.array_equal(batch["cond"][row, :prompt].numpy(), one["prompt_mel"])
        assert not batch["cond"][row, prompt:].any()
        assert batch["loss_mask"][row].nonzero().flatten().tolist() == list(range(prompt, frames))
        assert batch["frame_mask"][row].sum() == frames
        tokens = flow_tokens(np.concatenate([one["prompt_codes"], one["codes"]]), IDS)
        assert np.array_equal(batch["flow_tokens"][row, : len(tokens)].numpy(), tokens)
        assert batch["token_lengths"][row] == len(tokens) == frames // 2
        assert batch["prompt_tokens"][row] == prompt // 2
    assert batch["denominators"]["flow_t0.12"] == 6.0 * 3


def test_items_of_one_length_need_no_mask():
    assert collate([item(2, 1, 0), item(1, 2, 1)], None, StepAudioSettings(), IDS)["frame_mask"] is None


def test_what_is_drawn_depends_on_item_and_epoch_never_on_the_batch():
    items = [item(2, 1, 0), item(3, 2, 1)]
    rngs = [ItemRng(0, 4, "a"), ItemRng(0, 4, "b")]
    both = collate(items, rngs, StepAudioSettings(), IDS)
    swapped = collate(items[::-1], rngs[::-1], StepAudioSettings(), IDS)
    alone = collate(items[:1], rngs[:1], StepAudioSettings(), IDS)
    frames = alone["x1"].shape[1]
    for name in ("z", "cond", "x1"):
        assert torch.equal(both[name][0, :frames], alone[name][0]), name
        assert torch.equal(both[name], swapped[name].flip(0)), name
    assert both["t"][0, 0] == alone["t"][0, 0] == swapped["t"][0, 1] != both["t"][0, 1]
    later = collate(items, [ItemRng(0, 5, "a"), ItemRng(0, 5, "b")], StepAudioSettings(), IDS)
    assert not torch.equal(later["z"], both["z"]) and not torch.equal(later["t"], both["t"])


def test_measuring_draws_nothing_and_takes_the_same_times_for_all():
    items = [item(2, 1, 0), item(3, 2, 1)]
    first, second = (collate(items, None, StepAudioSettings(), IDS) for _ in range(2))
    assert torch.equal(first["z"], second["z"])
    assert first["keep"].tolist() == [1.0, 1.0]
    assert first["t"].shape == (HELD_OUT_TIMES, 2)
    assert first["t"][:, 0].tolist() == pytest.approx([0.125, 0.375, 0.625, 0.875])
    assert first["flow_names"] == [f"flow_t{t:.2f}" for t in first["t"][:, 0].tolist()]
    cosine = collate(items, None, StepAudioSettings(t_schedule="cosine"), IDS)
    assert cosine["t"][:, 0].tolist() == pytest.approx(1 - np.cos(np.array([1, 3, 5, 7]) / 8 * np.pi / 2))


@pytest.mark.parametrize(("schedule", "mean"), [("uniform", 0.5), ("cosine", 1 - 2 / np.pi)])
def test_times_follow_their_schedule(schedule, mean):
    settings = StepAudioSettings(t_schedule=schedule)
    one = item(1, 1, 0)
    times = [float(collate([one], [ItemRng(0, e, "x")], settings, IDS)["t"]) for e in range(600)]
    assert np.mean(times) == pytest.approx(mean, abs=0.04)
    assert min(times) >= 0 and max(times) < 1


def test_prompts_are_given_whole_in_their_share_and_otherwise_a_beginning_or_nothing():
    settings, one = StepAudioSettings(prompt_share=0.6), item(1, 10, 0)
    prompt = len(one["prompt_mel"])
    given = []
    for epoch in range(800):
        batch = collate([one], [ItemRng(0, epoch, "x")], settings, IDS)
        known = int(batch["cond"][0].any(dim=-1).sum())
        assert torch.equal(batch["cond"][0, :known], batch["x1"][0, :known])  # what is given is the beginning
        given.append(known)
    shares = [np.mean([g == prompt for g in given]), np.mean([0 < g < prompt for g in given])]
    assert shares == pytest.approx([0.6, 0.2], abs=0.05)
    assert max(g for g in given if g < prompt) < 0.3 * prompt
    whole = StepAudioSettings(prompt_share=1.0)
    assert all(drawn([one], whole, epoch)["cond"][0, :prompt].any(dim=-1).all() for epoch in range(20))


def test_conditions_are_dropped_in_their_share():
    settings, one = StepAudioSettings(condition_dropout=0.3), item(1, 1, 0)
    keep = [float(collate([one], [ItemRng(0, e, "x")], settings, IDS)["keep"]) for e in range(800)]
    assert np.mean(keep) == pytest.approx(0.7, abs=0.04)


def test_without_kept_encoder_output_there_is_none():
    items = [{k: v for k, v in item(1, 1, 0).items() if k != "mu"}]
    assert collate(items, None, StepAudioSettings(freeze_encoder=False), IDS)["mu"] is None
