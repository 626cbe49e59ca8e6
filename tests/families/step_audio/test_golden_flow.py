"""The flow against upstream's: every stage of the encoder, the DiT, the solver, and a whole inference."""

from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors import safe_open

from tests.golden_files import assert_close, golden_path, golden_tensors, part
from tunesmith.families.relative import distance_table
from tunesmith.families.step_audio.config import FlowConfig
from tunesmith.families.step_audio.parts.cfm import cosine_grid, inference, solve, stretch
from tunesmith.families.step_audio.parts.flow import Flow


@pytest.fixture(scope="module")
def golden():
    tensors, _ = golden_tensors("step_audio/flow")
    with safe_open(golden_path("step_audio/flow.safetensors"), "pt") as file:
        metadata = file.metadata()
    return tensors, metadata


@pytest.fixture(scope="module")
def flow(golden):
    tensors, metadata = golden
    flow = Flow(FlowConfig.from_yaml(json.loads(metadata["config"])))
    flow.load_state_dict(part(tensors, "sd"), strict=True)
    return flow.eval().requires_grad_(False)


def longest(tensors):
    """The item without padding: the reference lets padding leak into the others."""
    lengths = tensors["token_len"]
    item = int(lengths.argmax())
    assert lengths[item] == tensors["tokens"].shape[1]
    return slice(item, item + 1)


def test_golden_names_and_shapes(golden, flow):
    ours = {name: list(tensor.shape) for name, tensor in flow.state_dict().items()}
    assert ours == json.loads(golden[1]["keys_shapes"])


def test_golden_embedding_and_positions(golden, flow):
    tensors, _ = golden
    tokens, lengths = tensors["tokens"], tensors["token_len"]
    mask = torch.arange(tokens.shape[1]) < lengths[:, None]
    embedded = flow.input_embedding(tokens) * mask[..., None]
    assert_close("token_embed", embedded, tensors["token_embed"])
    scaled, distances = flow.encoder.embed(embedded)
    assert_close("enc_embed_out", scaled, tensors["enc_embed_out"])
    assert_close("enc_pos_emb", distances[None], tensors["enc_pos_emb"])
    assert_close("distances", distance_table(tokens.shape[1], scaled.shape[-1], scaled.device), distances, 0)


def test_golden_encoder(golden, flow):
    tensors, _ = golden
    item = longest(tensors)
    embedded = tensors["token_embed"][item]
    ahead = flow.encoder.pre_lookahead_layer(tensors["enc_embed_out"][item])
    assert_close("enc_lookahead_out", ahead, tensors["enc_lookahead_out"][item])
    assert_close("encoder_out", flow.encoder(embedded, None), tensors["encoder_out"][item])
    # In the padded batch too, where nothing may reach the item that has no padding.
    mu, mask = flow.mu(tensors["tokens"], tensors["token_len"])
    assert_close("encoder_proj_out", mu[item], tensors["encoder_proj_out"][item])
    assert mask.sum(dim=1).tolist() == (tensors["token_len"] * flow.config.encoder.up_stride).tolist()


def test_golden_velocity(golden, flow):
    tensors, _ = golden
    time = flow.decoder.estimator.t_embedder(tensors["dit_t"])
    assert_close("dit_t_emb", time, tensors["dit_t_emb"])
    inputs = (tensors[f"dit_{name}"] for name in ("x", "mask", "mu", "t", "spks", "cond"))
    assert_close("dit_out", flow.velocity(*inputs), tensors["dit_out"])


def test_golden_grids(golden):
    spans = [name for name in golden[0] if name.startswith("t_span_cosine_")]
    assert spans
    for name in spans:
        assert_close(name, cosine_grid(int(name.rpartition("_")[2])), golden[0][name])


def note_of(metadata):
    """Where the reference cut prompt from new tokens, and its steps."""
    known = re.search(r"prompt tokens = tokens\[:1,:(\d+)\]", metadata["note"])
    steps = re.search(r"n_timesteps=(\d+)", metadata["note"])
    assert known and steps, metadata["note"]
    return int(known[1]), int(steps[1])


def test_golden_inference(golden, flow):
    tensors, metadata = golden
    known, steps = note_of(metadata)
    tokens, speaker = tensors["tokens"][:1], tensors["spk_raw"][:1]
    mel = inference(
        flow,
        tokens[:, :known],
        tokens[:, known:],
        tensors["inf_prompt_feat"],
        speaker,
        tensors["rand_noise"],
        steps=steps,
        cfg=flow.config.inference_cfg_rate,
    )
    assert_close("inf_mel", mel.transpose(1, 2), tensors["inf_mel"], 1e-3)


def test_golden_solver(golden, flow):
    tensors, metadata = golden
    frames = tensors["cfm_out"].shape[-1]
    mask = tensors["dit_mask"][:1, 0].bool()
    mel = solve(
        flow,
        tensors["dit_mu"][:1].transpose(1, 2),
        mask,
        tensors["dit_spks"][:1],
        tensors["dit_cond"][:1].transpose(1, 2),
        tensors["rand_noise"][..., :frames],
        steps=note_of(metadata)[1],
        cfg=flow.config.inference_cfg_rate,
    )
    assert_close("cfm_out", mel.transpose(1, 2), tensors["cfm_out"])


def test_golden_prompt_stretch():
    tensors, _ = golden_tensors("step_audio/features")
    lengths = [int(name.rpartition("_")[2]) for name in tensors if name.startswith("interp_nearest_")]
    assert lengths
    for frames in lengths:
        ours = stretch(tensors["mel24"].transpose(1, 2), frames).transpose(1, 2)
        assert_close(f"{frames} frames", ours, tensors[f"interp_nearest_{frames}"], 0)
