"""Every term of the objective against its formula written out in double precision."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tunesmith.families.ace_step import objective
from tunesmith.families.ace_step.objective import (
    ace_step_loss,
    draw_sigma,
    item_noise,
    projection_sums,
    sigma_table,
    upside_down,
    with_padding,
)
from tunesmith.families.loss_terms import LossTerm

SIGMAS = torch.tensor([[0.25, 0.5], [0.75, 1.0]])
FRAMES = (5, 3)


def hidden_at(depth: int, t: torch.Tensor) -> torch.Tensor:
    return depth + torch.arange(60.0).sin().reshape(2, 5, 6) * t[:, None, None]


class Affine(torch.nn.Module):
    """A network whose velocity is ``noisy / 2 + t / 1000``, and whose hidden frames depend on depth and level."""

    config = SimpleNamespace(ssl_encoder_depths=(4, 7))

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []

    def encode(self, *conditions):
        return conditions

    def decode(self, noisy, t, conditions, mask, taps):
        self.calls.append((conditions, taps))
        velocity = noisy / 2 + t[:, None, None, None] / 1000
        hidden = {depth: hidden_at(depth, t) for depth in taps}
        return (velocity, hidden) if taps else velocity

    def project(self, hidden, index):
        return hidden @ (torch.arange(24.0).reshape(6, 4) + index).cos()


@pytest.fixture(autouse=True)
def one_level_at_a_time(monkeypatch):
    """The stand-in answers for a batch as it was made; all levels at once are a test of the real network."""
    monkeypatch.setattr(objective, "FRAMES_AT_ONCE", 0)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(2, 3, 4, 5, generator=generator) for _ in range(2))
    mask = torch.tensor([[1.0] * 5, [1.0] * 3 + [0.0] * 2])
    names = ["text", "text_mask", "speaker", "lyric_ids", "lyric_mask"]
    return {
        **{name: name for name in names},
        "latents": latents,
        "noise": noise,
        "sigmas": SIGMAS,
        "denoise_terms": ["low", "high"],
        "frame_mask": mask,
        "frames": FRAMES,
        "denominators": {"low": 8.0, "high": 8.0, "mert": 8.0, "other": 8.0},
        "ssl_weight": 0.125,
    }


def expected(batch, level: int, mask) -> float:
    """The level's term, item by item and frame by frame."""
    total = 0.0
    for item in range(2):
        sigma = float(SIGMAS[level, item])
        latents, noise = (batch[name][item].double().numpy() for name in ("latents", "noise"))
        velocity = (sigma * noise + (1 - sigma) * latents) / 2 + sigma
        error = np.square(velocity - (noise - latents)).mean(axis=(0, 1))
        total += sigma**2 * float((error * (1.0 if mask is None else mask[item].numpy())).sum())
    return total


@pytest.mark.parametrize("masked", [True, False])
def test_denoising_is_the_squared_error_of_the_clean_latents(batch, masked):
    if not masked:
        batch["frame_mask"] = None
    network = Affine()
    terms = ace_step_loss(network, batch)
    assert list(terms) == ["low", "high"]
    for level, name in enumerate(terms):
        assert float(terms[name].sum) == pytest.approx(expected(batch, level, batch["frame_mask"]), rel=1e-5)
        assert terms[name] == LossTerm(terms[name].sum, 8.0)
    assert network.calls == [(("text", "text_mask", "speaker", "lyric_ids", "lyric_mask"), ())] * 2


def cosine(projected: np.ndarray, target: np.ndarray) -> float:
    """Mean of one minus the cosine, with the projected frames interpolated to the target's at the middles of frames."""
    places = (np.arange(len(target)) + 0.5) * len(projected) / len(target) - 0.5
    resized = np.stack([np.interp(places, np.arange(len(projected)), column) for column in projected.T], axis=1)
    dot = (resized * target).sum(1) / np.linalg.norm(resized, axis=1) / np.linalg.norm(target, axis=1)
    return float((1 - dot).mean())


def test_projection_compares_each_item_at_its_own_length():
    network, generator = Affine(), torch.Generator().manual_seed(1)
    hidden = torch.randn(2, 5, 6, generator=generator)
    targets = [torch.randn(length, 4, generator=generator) for length in (9, 4)]
    sums = projection_sums(network, hidden, 1, targets, FRAMES)
    wanted = []
    for row, (target, frames) in enumerate(zip(targets, FRAMES, strict=True)):
        projected = network.project(hidden[row, :frames].double().float(), 1).double().numpy()
        wanted.append(frames * cosine(projected, target.double().numpy()))
    assert sums.tolist() == pytest.approx(wanted, rel=1e-4)
    assert sums.dtype == torch.float32


def test_models_are_compared_once_at_the_first_level_and_at_their_own_depth(batch):
    network = Affine()
    batch["other"] = [torch.arange(12.0).cos().reshape(3, 4), torch.arange(8.0).cos().reshape(2, 4)]
    terms = ace_step_loss(network, batch, ("mert", "other"))
    assert list(terms) == ["low", "other", "high"], "one that is not in the batch is left out"
    total = projection_sums(network, hidden_at(7, 1000 * SIGMAS[0]), 1, batch["other"], FRAMES).sum()
    assert float(terms["other"].sum) == pytest.approx(float(total), rel=1e-6)
    term = terms["other"]
    assert term == LossTerm(term.sum, 8.0, "ssl", 0.125)
    assert [taps for _, taps in network.calls] == [(7,), (7,)]


def test_noise_for_measuring_does_not_depend_on_how_long_a_crop_is():
    latents = np.zeros((2, 3, 9), np.float32)
    assert np.array_equal(item_noise(latents, None)[..., :4], item_noise(latents[..., :4], None))
    assert not np.array_equal(item_noise(latents, None)[:1], item_noise(latents[:1], None)), "and does on its height"


def test_the_last_level_is_drawn_and_none_behind_it():
    extreme = SimpleNamespace(generator=lambda purpose: SimpleNamespace(standard_normal=lambda: 100.0))
    assert draw_sigma(extreme, 3.0) == sigma_table(3.0)[999] == sigma_table(3.0).min()


def test_padding_is_zero_on_the_right_and_half_precision_becomes_single():
    short, long = (np.arange(2 * n, dtype=np.float16).reshape(2, n) + 1 for n in (2, 3))
    stacked = with_padding([short, long], axis=1)
    assert stacked.dtype == torch.float32
    assert stacked.tolist() == [[[1, 2, 0], [3, 4, 0]], [[1, 2, 3], [4, 5, 6]]]
    assert with_padding([np.ones((1, 2), np.int32)], axis=0).dtype == torch.int32


def test_upside_down_turns_the_height_alone(batch):
    turned = upside_down(batch)
    assert torch.equal(turned["latents"], batch["latents"][:, :, [3, 2, 1, 0]])
    assert turned["noise"] is batch["noise"]
