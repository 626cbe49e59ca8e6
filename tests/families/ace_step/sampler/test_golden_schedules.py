"""Noise levels and steps against upstream's schedulers; step counts, shares and omegas are read from the names."""

from __future__ import annotations

import re

import pytest
import torch

from tests.golden_files import assert_close, golden_tensors
from tunesmith.families.ace_step.sampler.schedule import sampling_sigmas, shifted, training_sigmas, truncated
from tunesmith.families.ace_step.sampler.step import Euler, Heun, PingPong, Stepper

SHIFT = 3.0
TOLERANCE = 1e-5
STEPS = 5
"""Of the step entries, whose schedule the file does not tell."""


@pytest.fixture(scope="module")
def golden():
    return golden_tensors("ace_step/schedulers")[0]


def matching(golden, pattern):
    """(groups, tensor) of every entry whose whole name matches."""
    found = [(match.groups(), value) for key, value in golden.items() if (match := re.fullmatch(pattern, key))]
    assert found, f"nothing like {pattern}"
    return found


def stepper(kind, sigmas, omega=0.0) -> Stepper:
    if kind == "pingpong":
        return PingPong(sigmas, lambda: torch.zeros(1))
    return {"euler": Euler, "heun": Heun}[kind](sigmas, omega)


def test_golden_training_levels(golden):
    assert_close("sigmas", training_sigmas(SHIFT), golden["train.sigmas"], TOLERANCE)
    assert_close("times", 1000 * training_sigmas(SHIFT), golden["train.timesteps"], TOLERANCE)


def test_golden_sampling_levels(golden):
    for (kind, steps, what), wanted in matching(golden, r"(euler|heun|pingpong)\.(\d+)\.(sigmas|timesteps)"):
        levels = torch.tensor(stepper(kind, sampling_sigmas(int(steps), SHIFT)).levels)
        ours = levels if what == "sigmas" else 1000 * levels[:-1]
        assert_close(f"{kind} {steps} {what}", ours, wanted, TOLERANCE)


def test_golden_truncated_levels(golden):
    metadata = golden_tensors("ace_step/schedulers")[1]
    for (share, what), wanted in matching(golden, r"a2a\.([\d.]+)\.(sigmas|timesteps)"):
        calls = len(wanted) - (what == "sigmas")
        level = shifted(float(share), SHIFT)
        assert_close("level", torch.tensor([level]), torch.tensor(metadata[f"sigma_max_{share}"][:1]), TOLERANCE)
        sigmas = sampling_sigmas(calls, SHIFT, level)
        assert_close(f"{share} {what}", sigmas if what == "sigmas" else 1000 * sigmas[:-1], wanted, TOLERANCE)
        steps = 60
        noised, truncation = truncated(steps, SHIFT, 1 - float(share), upstream=True)
        assert noised == pytest.approx(level)
        assert truncation.tolist() == pytest.approx(sampling_sigmas(int(float(share) * steps), SHIFT, level).tolist())


def steps_of(golden, kind, omega):
    """The state after the first calls, in order, and after all of them."""
    found = matching(golden, rf"{kind}\.step(\d+)\.omega{omega}")
    return [value for _, value in sorted(found, key=lambda entry: int(entry[0][0]))], golden[
        f"{kind}.final.omega{omega}"
    ]


def run(golden, steps: Stepper):
    """Every state of a run in which the velocities v1 and v2 take turns; one item, as upstream's mean is global."""
    x = golden["in.x"].reshape(1, -1, *golden["in.x"].shape[2:])
    for call in range(steps.calls):
        x = steps.step(x, golden["in.v2" if call % 2 else "in.v1"].reshape(x.shape), call)
        yield x.reshape(golden["in.x"].shape)


@pytest.mark.parametrize("kind", ["euler", "heun"])
def test_golden_steps(golden, kind):
    for (omega,), _ in matching(golden, rf"{kind}\.final\.omega(-?\d+)"):
        wanted, final = steps_of(golden, kind, omega)
        ours = list(run(golden, stepper(kind, sampling_sigmas(STEPS, SHIFT), float(omega))))
        for call, state in enumerate(wanted):
            assert_close(f"omega {omega} call {call}", ours[call], state, TOLERANCE)
        assert_close(f"omega {omega} final", ours[-1], final, TOLERANCE)


def test_golden_pingpong_steps(golden):
    """Its noise comes from a seed that the file does not tell: the small one whose first noise is the first step's."""
    sigmas, x = sampling_sigmas(STEPS, SHIFT), golden["in.x"]
    for (omega,), _ in matching(golden, r"pingpong\.final\.omega(-?\d+)"):
        wanted, final = steps_of(golden, "pingpong", omega)
        data = x - sigmas[0] * golden["in.v1"]
        first = (wanted[0] - (1 - sigmas[1]) * data) / sigmas[1]
        seeds = (torch.Generator().manual_seed(seed) for seed in range(2000))
        generator = next(g for g in seeds if torch.allclose(torch.randn(x.shape, generator=g), first, atol=1e-4))
        shape = (1, *x.flatten(0, 1).shape)
        later = [torch.randn(shape, generator=generator) for _ in range(STEPS - 2)]
        ours = list(run(golden, PingPong(sigmas, iter([first.reshape(shape), *later]).__next__)))
        for call, state in enumerate(wanted):
            assert_close(f"call {call}", ours[call], state, TOLERANCE)
        assert_close("final", ours[-1], final, TOLERANCE)
