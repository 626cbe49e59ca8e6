"""The transformer against tensors recorded from upstream's: every part, the losses and the gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from tests.golden_files import UNIT, assert_close, assert_rounded, golden_tensors, part
from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.rope import rope_table
from tunesmith.families.ace_step.parts.time import sinusoid
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer, Conditions
from tunesmith.families.ace_step.parts.weights import is_dead
from tunesmith.families.relative import distance_table

TOLERANCE = 1e-5
MODULES = {
    "lyric_embed": "lyric_encoder.embed",
    "lyric_encoder": "lyric_encoder",
    "timestep_embedder": "timestep_embedder",
    "t_block": "t_block",
    "proj_in": "proj_in",
}


@dataclass
class Golden:
    tensors: dict[str, torch.Tensor]
    inputs: dict[str, torch.Tensor]
    transformer: AceStepTransformer

    def encode(self, **changed: torch.Tensor) -> Conditions:
        given = {**self.inputs, **changed}
        names = ("text", "text_mask", "speaker", "lyric_ids", "lyric_mask")
        return self.transformer.encode(*(given[name] for name in names), packed=False)

    def decode(self, **options: Any) -> Any:
        return self.transformer.decode(self.inputs["noisy"], self.inputs["timestep"], self.encode(), **options)


@pytest.fixture(scope="module")
def golden() -> Golden:
    tensors, settings = golden_tensors("ace_step/transformer_block3")
    transformer = AceStepTransformer(TransformerConfig.from_json(settings["config"]), projectors=True)
    live = {name: tensor for name, tensor in part(tensors, "sd").items() if not is_dead(name)}
    transformer.load_state_dict(live)
    return Golden(tensors, part(tensors, "in"), transformer.eval())


@torch.no_grad()
def test_golden_conditions(golden):
    conditions = golden.encode()
    assert_close("states", conditions.states, golden.tensors["out.encoder_hidden_states"], TOLERANCE)
    assert_close("mask", conditions.mask, golden.tensors["out.encoder_mask"], 0)


@torch.no_grad()
def test_golden_sample(golden):
    assert_close("sample", golden.decode(), golden.tensors["out.sample"], TOLERANCE)


@torch.no_grad()
def test_golden_every_part(golden):
    """Each recorded module output, through hooks; the sub-parts of a block are compared before they are gated."""
    taps = {
        name: tap for name, tap in part(golden.tensors, "tap").items() if name not in ("time_proj", "lyric_pos_emb")
    }
    seen: dict[str, torch.Tensor] = {}
    handles = [
        golden.transformer.get_submodule(_module(name)).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.__setitem__(name, output)
        )
        for name in taps
    ]
    _, hidden = golden.decode(taps=range(golden.transformer.config.num_layers))
    for handle in handles:
        handle.remove()
    for name, tap in taps.items():
        assert_close(name, seen[name], tap, TOLERANCE)
    for index, frames in hidden.items():
        assert_close(f"hidden {index}", frames, taps[f"block.{index}"], TOLERANCE)


def test_golden_tables(golden):
    config = golden.transformer.config
    tokens = golden.inputs["lyric_ids"].shape[1]
    distances = distance_table(tokens, config.lyric_encoder.output_size, torch.device("cpu"))
    assert_close("distances", distances[None], golden.tensors["tap.lyric_pos_emb"], TOLERANCE)
    time = golden.inputs["timestep"]
    assert_rounded("time", sinusoid(time), golden.tensors["tap.time_proj"], *exact_sinusoid(time))
    expected = golden.tensors["out.rope_cos"], golden.tensors["out.rope_sin"]
    cos, signed_sin = rope_table(torch.arange(len(expected[0]))[None], config.attention_head_dim, config.rope_theta)
    sign = torch.tensor([-1.0, 1.0]).repeat(config.attention_head_dim // 2)
    assert_close("cos", cos[0, 0], expected[0], TOLERANCE)
    assert_close("sin", signed_sin[0, 0] * sign, expected[1], TOLERANCE)


def exact_sinusoid(time_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of time at 128 frequencies in double precision, and what single precision may lose of each.

    The angle grows to 1000, where a unit in the last place is 6e-5. A frequency is the exponential of -x, and x carries
    two roundings (its constant, its product); the exponential is good to a unit in the last place, two roundings, and
    its product with the time is one more. So the angle is off by 2x + 3 roundings of itself, its cosine or sine by that
    and its own unit in the last place.
    """
    x = torch.arange(128, dtype=torch.float64) * (math.log(10_000) / 128)
    angles = time_B.double()[:, None] * torch.exp(-x)
    allowed = UNIT * (angles * (2 * x + 3) + 2)
    return torch.cat([angles.cos(), angles.sin()], dim=-1), torch.cat([allowed, allowed], dim=-1)


@torch.no_grad()
def test_golden_partial_mask(golden):
    """Upstream masks attention alone; ours differs from it on purpose, and by more than rounding."""
    mask = golden.inputs["attention_mask_partial"]
    expected = golden.tensors["out.sample_partial_mask"]
    assert_close("leaky", golden.decode(frame_mask_BT=mask, leaky=True), expected, TOLERANCE)
    assert (golden.decode(frame_mask_BT=mask) - expected).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("valid", [0, 1])
def test_golden_no_lyrics(golden, valid):
    expected = golden.tensors[f"out.nolyric_mask{valid}"]
    first = {name: tensor[: len(expected)] for name, tensor in golden.inputs.items()}
    nothing = torch.zeros(len(expected), 1)
    conditions = golden.encode(
        text=first["text"],
        text_mask=first["text_mask"],
        speaker=torch.zeros_like(first["speaker"]),
        lyric_ids=nothing.long(),
        lyric_mask=nothing + valid,
    )
    velocity = golden.transformer.decode(first["noisy"], first["timestep"], conditions)
    assert_close("velocity", velocity, expected, TOLERANCE)


def test_golden_losses_and_gradients(golden):
    """Upstream's whole objective: clean-latent error plus the mean of the projection losses."""
    config, inputs = golden.transformer.config, golden.inputs
    velocity, hidden = golden.decode(taps=set(config.ssl_encoder_depths))
    clean = inputs["noisy"] - inputs["sigma"].view(-1, 1, 1, 1) * velocity
    denoising = F.mse_loss(clean, inputs["x0"])
    projections = []
    for index, (name, depth) in enumerate(zip(config.ssl_names, config.ssl_encoder_depths, strict=True)):
        targets = part(inputs, name.replace("-", ""))
        features = golden.transformer.project(hidden[depth], index)
        loss = torch.stack([_distance(ours, targets[str(i)]) for i, ours in enumerate(features)]).mean()
        assert_close(name, loss[None].detach(), golden.tensors[f"out.proj_loss.{name}"], TOLERANCE)
        projections.append(loss)
    projection = torch.stack(projections).mean()
    total = denoising + projection
    for name, loss in (("denoise_loss", denoising), ("ssl_loss", projection), ("loss", total)):
        assert_close(name, loss[None].detach(), golden.tensors[f"out.{name}"], TOLERANCE)
    recorded = part(golden.tensors, "grad")
    assert recorded
    gradients = torch.autograd.grad(total, [golden.transformer.get_parameter(name) for name in recorded])
    for (name, expected), gradient in zip(recorded.items(), gradients, strict=True):
        largest = expected.abs().max()
        assert largest > 0, f"{name}: nothing to compare"
        assert_close(name, gradient / largest, expected / largest, 1e-4)


def _module(tap: str) -> str:
    kind, _, rest = tap.partition(".")
    if kind == "lyric_layer":
        return f"lyric_encoder.encoders.{rest}"
    if kind == "block":
        return f"transformer_blocks.{rest.replace('self_attn', 'attn')}"
    return MODULES[tap]


def _distance(features_TS: torch.Tensor, target_US: torch.Tensor) -> torch.Tensor:
    """Mean cosine distance after stretching to the target's length."""
    stretched = F.interpolate(features_TS.T[None], size=len(target_US), mode="linear")[0].T
    return (1 - F.cosine_similarity(stretched, target_US, dim=-1)).mean()
