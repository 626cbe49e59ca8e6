from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tools.pocket.pretraining import PretrainPlan, Rate, Trained, adamw, train


def test_a_plan_ends_by_updates_or_by_the_clock() -> None:
    assert PretrainPlan(updates=10).fraction(5, 1e9) == 0.5
    assert PretrainPlan(minutes=2.0).fraction(10**9, 30.0) == 0.25


def test_a_rate_rises_to_its_peak_and_falls_to_its_floor() -> None:
    rate = Rate(peak=2.0, floor=0.1, rise=10)
    assert rate.at(0, 0.0) == pytest.approx(0.2)
    assert rate.at(9, 0.0) == pytest.approx(2.0)
    assert rate.at(2, 0.05) == pytest.approx(2.0, rel=0.01)
    assert rate.at(500, 1.0) == pytest.approx(0.2)
    assert rate.at(500, 0.5) == pytest.approx(1.1)
    assert Rate(2.0, 0.1, 10, straight=True).at(500, 0.25) == pytest.approx(2.0 * (0.1 + 0.9 * 0.75))
    assert Rate(2.0, 0.1, 10, rise_share=math.inf).at(2, 0.05) < 0.7


def test_vectors_and_named_parameters_are_not_decayed() -> None:
    model = torch.nn.ModuleDict({"embed": torch.nn.Embedding(3, 2), "linear": torch.nn.Linear(2, 2)})
    decayed, plain = adamw(model, 1e-3, decay=0.05, undecayed=("embed",)).param_groups
    assert [id(p) for p in decayed["params"]] == [id(model["linear"].weight)]
    assert {id(p) for p in plain["params"]} == {id(model["embed"].weight), id(model["linear"].bias)}
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.05, 0.0)


@pytest.mark.parametrize("average", [None, 0.9])
def test_an_interrupted_training_ends_as_an_unbroken_one(average: float | None, tmp_path: Path) -> None:
    def trained(state: Path, last: int = 6) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 1)

        def loss(number: int) -> torch.Tensor:
            return (model(torch.full((1, 3), 0.1 * number)) - 1.0).square().mean()

        def report(used: Trained, done: float) -> None:
            if used.updates == last:
                raise KeyboardInterrupt

        plan, rate = PretrainPlan(updates=6), Rate(0.1, 0.1, 2)
        used = train(model, adamw(model, 0.1, 0.0), plan, rate, loss, state=state, report=report, average=average)
        assert used.updates == 6
        return [p.detach() for p in model.parameters()]

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "broken.pt", 2)
    resumed, straight = trained(tmp_path / "broken.pt", 7), trained(tmp_path / "whole.pt", 7)
    assert all(torch.equal(mine, other) for mine, other in zip(resumed, straight, strict=True))
    torch.manual_seed(0)
    assert not torch.equal(straight[0], torch.nn.Linear(3, 1).weight)
