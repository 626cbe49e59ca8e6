"""One update in small: rates, gradients, the average, counts, and what processes add up."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from tests.training.test_trainer import BASE
from tunesmith.adapters.parameters import ParameterKey
from tunesmith.data.item_rng import key_of
from tunesmith.training import loop
from tunesmith.training.loop import add_over_processes, all_reduce_denominators, local_micro_batches, train_update
from tunesmith.training.setup import build_train_state

TRAIN = {**BASE, "updates": 40, "batch_size": 2, "accumulation": 2, "warmup_updates": 4}


@pytest.fixture
def make_state(make_run):
    def make(name: str = "run", *, adapter: dict | None = None, **train):
        return build_train_state(make_run(name, train={**TRAIN, **train}, adapter=adapter or {}))

    return make


def gradients(state) -> dict[ParameterKey, torch.Tensor]:
    """Those of the next update, which is not taken."""
    seen: dict[ParameterKey, torch.Tensor] = {}
    state.optimizer.step = lambda: seen.update({k: p.grad.clone() for k, p in state.parameters.items()})
    train_update(state)
    return seen


def test_the_rate_rises_with_the_updates_of_the_stage_and_scales_by_network(make_state):
    state = make_state(adapter={"networks": {"decoder": {"learning_rate": 1e-3}}})
    state.progress.update, state.progress.stage_began = 7, 6
    result = train_update(state)
    assert result.learning_rate == pytest.approx(1e-3 * 2 / 4)  # the second of four updates of warm-up
    (group,) = state.optimizer.param_groups
    assert group["lr"] == result.learning_rate and group["lr_scale"] == pytest.approx(0.5)


def test_a_stage_s_factor_is_in_the_rate_that_is_shown(make_run):
    state = build_train_state(make_run(train={**TRAIN, "stages": {"train": {"updates": 40, "lr_factor": 0.1}}}))
    assert train_update(state).learning_rate == pytest.approx(BASE["learning_rate"] * 0.1 / 4)


def test_an_update_counts_its_frames_and_leaves_no_gradient_behind(make_state):
    state = make_state()
    items, crops, _, _ = state.schedule.items(0)
    for p in state.parameters.values():
        p.requires_grad_(False)  # as another stage may have left them
    result = train_update(state)
    assert all(p.requires_grad for p in state.parameters.values())
    assert len(result.measured.terms) == 4 and result.measured.loss > 1
    assert result.tokens == sum(crops[i].length for i in items) > 0
    assert result.stepped and not result.stop_requested and math.isfinite(result.grad_norm)
    assert all(p.grad is None for p in state.parameters.values())
    assert train_update(state, stop=True).stop_requested


def test_an_update_is_the_mean_over_its_targets_however_it_is_cut(make_state):
    whole, cut = make_state("whole", batch_size=4, accumulation=1), make_state("cut", batch_size=1, accumulation=4)
    assert (len(local_micro_batches(whole, 0)), len(local_micro_batches(cut, 0))) == (1, 4)
    a, b = gradients(whole), gradients(cut)
    assert all(torch.allclose(a[key], b[key], atol=1e-6, rtol=1e-3) for key in a)
    assert sum(float(value.abs().sum()) for value in a.values()) > 0


def test_dropout_of_an_update_is_its_own_and_comes_again(make_state):
    once, again = (gradients(make_state(name, adapter={"dropout": 0.5})) for name in ("once", "again"))
    assert all(torch.equal(once[key], again[key]) for key in once)
    other = gradients(make_state("other", adapter={"dropout": 0.5}, seed=43))
    assert any(not torch.equal(once[key], other[key]) for key in once)
    state = make_state("seeded")
    seeds = []
    for number in (0, 1):
        state.progress.update = number
        train_update(state)
        seeds.append(torch.initial_seed())
    # Runs of before are resumed with the draws that they would have had.
    assert seeds == [key_of(BASE.get("seed", 42), "update", number, 0) >> 65 for number in (0, 1)]


def test_the_average_takes_in_each_update_by_its_number_in_the_stage(make_state):
    state = make_state(ema_decay=0.9)
    state.progress.update, state.progress.stage_began = 5, 4
    start = {key: p.detach().clone() for key, p in state.parameters.items()}
    train_update(state)
    decay = min(0.9, 3 / 12)  # the second update of the stage
    for key, p in state.parameters.items():
        assert torch.allclose(state.ema.shadow[key], start[key].lerp(p.detach(), 1 - decay), atol=1e-7)


def test_gradients_are_limited_as_the_recipe_says(make_state):
    norm, value = make_state("n", max_grad_norm=1e-4), make_state("v", clip="value", max_grad_norm=1e-4)
    by_norm, by_value = gradients(norm), gradients(value)
    assert math.sqrt(sum(float(g.square().sum()) for g in by_norm.values())) == pytest.approx(1e-4, rel=1e-3)
    assert max(float(g.abs().max()) for g in by_value.values()) == pytest.approx(1e-4, rel=1e-5)
    assert math.sqrt(sum(float(g.square().sum()) for g in by_value.values())) > 2e-4


def test_nothing_is_stepped_where_no_clip_teaches_anything(make_state, monkeypatch):
    state = make_state()
    monkeypatch.setattr(loop, "combine", lambda terms, totals: None)
    state.optimizer.step = lambda: pytest.fail("there is nothing to step on")
    result = train_update(state)
    assert (result.grad_norm, result.stepped, result.stop_requested) == (0.0, True, False)


# --- several processes: the sums themselves; tests/training/test_distributed.py runs two ---------------------------


def processes(number: int, **parameters: torch.nn.Parameter) -> SimpleNamespace:
    accelerator = SimpleNamespace(num_processes=number, process_index=0)
    keyed = {ParameterKey("net", name): p for name, p in parameters.items()}
    return SimpleNamespace(accelerator=accelerator, parameters=keyed)


def parameter(*gradient: float, trained: bool = True) -> torch.nn.Parameter:
    p = torch.nn.Parameter(torch.zeros(len(gradient)), requires_grad=trained)
    p.grad = torch.tensor([float(one) for one in gradient]) if any(gradient) else None
    return p


def test_gradients_of_all_processes_are_added_in_place(monkeypatch):
    reduced = []
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda flat: reduced.append(flat.numel()) or flat.mul_(2))
    one, two, none, frozen = parameter(1, 2), parameter(3), parameter(0, 0), parameter(5, trained=False)
    add_over_processes(processes(1, one=one))
    assert reduced == []
    add_over_processes(processes(2, one=one, none=none, two=two, frozen=frozen))
    assert reduced == [5]
    assert [p.grad.tolist() for p in (one, none, two, frozen)] == [[2, 4], [0, 0], [6], [5]]


def test_weights_and_wishes_to_stop_of_all_processes_are_gathered(monkeypatch):
    def gather(found: list, mine: object) -> None:
        assert len(found) == 2
        found[:] = [mine, ({"a": 2.0, "b": 1.0}, True)]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    assert all_reduce_denominators(processes(1), {"a": 1.0}, False) == ({"a": 1.0}, False)
    assert all_reduce_denominators(processes(2), {"a": 1.0}, False) == ({"a": 3.0, "b": 1.0}, True)


def test_processes_share_the_micro_batches_of_an_update(make_state):
    state = make_state(batch_size=1, accumulation=4)
    whole = local_micro_batches(state, 0)
    shares = []
    for index in (0, 1):
        state.accelerator = SimpleNamespace(num_processes=2, process_index=index)
        shares.append(local_micro_batches(state, 0))
    assert [len(share) for share in shares] == [2, 2]
    frames = [micro.frames for share in zip(*shares, strict=True) for micro in share]
    assert frames == [micro.frames for micro in whole]
    assert all(len(micro.rngs) == 1 for micro in whole)
