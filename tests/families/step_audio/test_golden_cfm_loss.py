"""The flow's objective against the original's: loss and gradients with its draws."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open

from tests.golden_files import assert_close, golden_path, golden_tensors, part
from tunesmith.families.loss_terms import combine
from tunesmith.families.step_audio.config import EstimatorConfig, known
from tunesmith.families.step_audio.objective import SIGMA_MIN, flow_terms
from tunesmith.families.step_audio.parts.dit import DiT

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def golden():
    tensors, _ = golden_tensors("step_audio/cfm_loss")
    with safe_open(golden_path("step_audio/cfm_loss.safetensors"), "pt") as file:
        return tensors, file.metadata()


@pytest.fixture
def flow(golden):
    tensors, metadata = golden
    estimator = DiT(known(EstimatorConfig, json.loads(metadata["config"])))
    estimator.load_state_dict(part(tensors, "sd"))

    class Conditioned(torch.nn.Module):
        """The decoder alone, behind an encoder and an affine layer whose outputs the file gives."""

        def __init__(self) -> None:
            super().__init__()
            self.estimator, self.encoder = estimator, torch.nn.Identity()

        def speaker(self, embedding):
            return embedding

        def velocity(self, *given):
            return self.estimator(*given)

    return Conditioned()


def batch_of(tensors, metadata):
    """Our batch with the original's draws; it takes the loss of all valid frames."""
    mask = tensors["mask"][:, 0]
    return {
        **{name: tensors[name].mT for name in ("x1", "z", "cond", "mu")},
        "mu_rows": [],
        "token_lengths": None,
        "speaker": tensors["spks"],
        "keep": (tensors["cfg_draw"] > float(metadata["training_cfg_rate"])).float(),
        "t": tensors["t"].flatten()[None],
        "frame_mask": mask,
        "loss_mask": mask,
        "flow_names": ["flow"],
        "denominators": {"flow": float(mask.sum())},
    }


def test_golden_sigma_and_a_drop_are_there(golden):
    tensors, metadata = golden
    assert float(metadata["sigma_min"]) == SIGMA_MIN
    keep = batch_of(tensors, metadata)["keep"]
    assert 0 < keep.sum() < len(keep)


def test_golden_loss_and_gradients(golden, flow):
    tensors, metadata = golden
    batch = batch_of(tensors, metadata)
    terms = flow_terms(flow, batch, 1.0, frozen=True)
    assert list(terms) == ["flow"]
    loss = combine(terms, batch["denominators"])
    assert_close("loss", loss.detach(), tensors["loss"], TOLERANCE)
    loss.backward()
    assert_close("grad in_proj", flow.estimator.in_proj.weight.grad, tensors["grad_in_proj"], TOLERANCE)
    assert_close("grad final", flow.estimator.final_layer.linear.bias.grad, tensors["grad_final_bias"], TOLERANCE)


def test_golden_the_noisy_mel_and_the_frames_that_count(golden, flow):
    tensors, metadata = golden
    seen = []
    flow.velocity = lambda y, *given: seen.append((y, given)) or torch.zeros_like(y)
    terms = flow_terms(flow, batch_of(tensors, metadata), 1.0, frozen=True)
    assert_close("y", seen[0][0], tensors["y"], TOLERANCE)
    aim = (tensors["x1"] - (1 - SIGMA_MIN) * tensors["z"]) * tensors["mask"]
    expected = aim.square().sum() / tensors["x1"].shape[1]
    assert_close("a velocity of zero", terms["flow"].sum, expected, TOLERANCE)
    mask, _, t, *_ = seen[0][1]
    assert torch.equal(mask, tensors["mask"]) and torch.equal(t, tensors["t"].flatten())
