"""The flow and its solver on a small network: padding, adapters, checkpointing, guidance."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from tests.families.step_audio.tiny_flow import TINY, random_flow, random_tokens
from tests.golden_files import assert_close
from tunesmith.families.step_audio.parts.cfm import cosine_grid, inference, solve, stretch
from tunesmith.families.step_audio.parts.flow import Flow

TOLERANCE = 1e-5
LENGTHS = (7, 4, 9, 1)
LORA = ["to_q", "to_k", "to_v", "proj", "fc1", "fc2"]


@pytest.fixture(scope="module")
def flow():
    return random_flow().requires_grad_(False)


@pytest.fixture
def batch(flow):
    """Inputs of one velocity for a padded batch; what is past an item's end is random."""
    tokens, lengths = random_tokens(LENGTHS)
    mu, mask = flow.mu(tokens, lengths)
    torch.manual_seed(2)
    x, cond = torch.randn(2, *mu.transpose(1, 2).shape)
    speaker = flow.speaker(torch.randn(len(tokens), TINY.spk_embed_dim))
    return {"x": x, "mask": mask, "mu": mu, "time": torch.rand(len(tokens)), "speaker": speaker, "cond": cond}


def velocity(flow, batch, item=None):
    """Of the batch, or of one item without its padding."""
    if item is None:
        mu = batch["mu"].transpose(1, 2)
        return flow.velocity(batch["x"], batch["mask"][:, None], mu, batch["time"], batch["speaker"], batch["cond"])
    rows, frames = slice(item, item + 1), int(batch["mask"][item].sum())
    x, cond = (batch[name][rows, :, :frames] for name in ("x", "cond"))
    mu = batch["mu"][rows, :frames].transpose(1, 2)
    return flow.velocity(x, None, mu, batch["time"][rows], batch["speaker"][rows], cond)


def test_mu_of_a_batch_equals_singles(flow):
    tokens, lengths = random_tokens(LENGTHS)
    mu, mask = flow.mu(tokens, lengths)
    assert mask.sum(dim=1).tolist() == [2 * length for length in LENGTHS]
    for item, length in enumerate(LENGTHS):
        rows = slice(item, item + 1)
        alone, whole = flow.mu(tokens[rows, :length], lengths[rows])
        assert bool(whole.all())
        assert_close(f"item {item}", mu[rows, : 2 * length], alone, TOLERANCE)
        assert not mu[item, 2 * length :].any()


def test_velocity_of_a_batch_equals_singles(flow, batch):
    together = velocity(flow, batch)
    for item, length in enumerate(LENGTHS):
        alone = velocity(flow, batch, item)
        assert_close(f"item {item}", together[item : item + 1, :, : 2 * length], alone, TOLERANCE)


def test_solve_of_a_batch_equals_singles(flow, batch):
    cond = batch["cond"].transpose(1, 2)
    together = solve(flow, batch["mu"], batch["mask"], batch["speaker"], cond, batch["x"], steps=5)
    for item, length in enumerate(LENGTHS):
        rows, frames = slice(item, item + 1), slice(2 * length)
        alone = solve(
            flow,
            batch["mu"][rows, frames],
            batch["mask"][rows, frames],
            batch["speaker"][rows],
            cond[rows, frames],
            batch["x"][rows, :, frames],
            steps=5,
        )
        assert_close(f"item {item}", together[rows, frames], alone, TOLERANCE)


def test_gradients_reach_every_weight_and_ignore_padding():
    flow = random_flow()
    tokens, lengths = random_tokens(LENGTHS)
    torch.manual_seed(0)
    speakers = torch.randn(len(tokens), TINY.spk_embed_dim)

    def gradients(tokens):
        flow.zero_grad()
        mu, mask = flow.mu(tokens, lengths)
        mu = mu.transpose(1, 2)
        time = torch.linspace(0.1, 0.9, len(tokens))
        out = flow.velocity(mu.detach() + 1, mask[:, None], mu, time, flow.speaker(speakers), mu.detach())
        (out.square() * mask[:, None]).sum().backward()
        return {name: parameter.grad.clone() for name, parameter in flow.named_parameters()}

    before = gradients(tokens)
    past = torch.arange(tokens.shape[1]) >= lengths[:, None]
    after = gradients(torch.where(past[..., None], (tokens + 7) % TINY.vocab_size, tokens))
    for name, gradient in before.items():
        # A bias of the keys moves all scores of a query alike.
        assert gradient.any() or name.endswith("linear_k.bias"), f"{name} has no gradient"
        assert_close(name, after[name], gradient, TOLERANCE)


def test_look_ahead_ends_after_its_tokens(flow):
    """Before attention spreads it, a changed token moves no more than the tokens that see it."""
    torch.manual_seed(1)
    x = torch.randn(1, 12, TINY.encoder.output_size)
    changed = x.clone()
    changed[:, 6] += 1
    layer = flow.encoder.pre_lookahead_layer
    moved = (layer(x) != layer(changed)).any(dim=-1)[0].nonzero().flatten().tolist()
    assert moved == list(range(6 - TINY.encoder.pre_lookahead_len, 6 + 3))


def test_one_shared_table_in_both_columns(flow):
    tokens = torch.tensor([[[3, 17], [17, 3]]])
    table = flow.input_embedding.embedding.weight
    assert_close("halves", flow.input_embedding(tokens)[0, 0], torch.cat([table[3], table[17]]), 0)
    assert_close("swapped", flow.input_embedding(tokens)[0, 1], torch.cat([table[17], table[3]]), 0)


def test_speaker_ignores_the_length_of_its_vector(flow):
    vector = torch.randn(2, TINY.spk_embed_dim, generator=torch.Generator().manual_seed(0))
    assert_close("speaker", flow.speaker(7.5 * vector), flow.speaker(vector), TOLERANCE)


def test_dropout_acts_in_train_mode_of_the_encoder_alone(batch):
    flow = random_flow()
    tokens, lengths = random_tokens(LENGTHS)
    still = flow.mu(tokens, lengths)[0]
    assert_close("eval", flow.mu(tokens, lengths)[0], still, 0)
    reference = velocity(flow, batch)
    flow.train()
    assert not torch.allclose(flow.mu(tokens, lengths)[0], still, atol=1e-3)
    assert_close("decoder", velocity(flow, batch), reference, 0)


def test_keys_without_bias():
    flow = Flow(replace(TINY, encoder=replace(TINY.encoder, key_bias=False)))
    assert {"encoder.encoders.0.self_attn.linear_k.bias", "encoder.up_encoders.0.self_attn.linear_k.bias"} == {
        name for name in random_flow().state_dict() if name not in flow.state_dict() and "encoders.0." in name
    }


def test_new_network_starts_at_rest():
    flow = Flow(TINY)
    x = torch.randn(2, TINY.output_size, 6)
    assert not flow.velocity(x, None, x, torch.rand(2), x[..., 0], x).any()
    frames = torch.randn(2, 6, TINY.estimator.hidden_size)
    block = flow.decoder.estimator.blocks[0]
    assert_close("block", block(frames, frames[:, :1], None), frames, 0)


def test_checkpointing_changes_no_gradient(batch):
    flow = random_flow()

    def gradients():
        flow.zero_grad()
        velocity(flow, batch).square().sum().backward()
        return {name: parameter.grad.clone() for name, parameter in flow.decoder.named_parameters()}

    kept = gradients()
    calls = []
    flow.decoder.estimator.blocks[0].attn.register_forward_hook(lambda *_: calls.append(1))
    flow.decoder.estimator.gradient_checkpointing = True
    recomputed = gradients()
    assert len(calls) == 2
    for name, gradient in kept.items():
        assert_close(name, recomputed[name], gradient, 1e-6)


def test_adapters_attach_by_name_to_every_block_and_nothing_else(batch):
    from peft import LoraConfig, inject_adapter_in_model

    flow = random_flow()
    before = velocity(flow, batch)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=LORA), flow.decoder)
    adapted = {name.partition(".lora_A")[0] for name, _ in flow.named_parameters() if ".lora_A" in name}
    assert len(adapted) == len(LORA) * TINY.estimator.depth
    assert all(name.startswith("decoder.estimator.blocks.") for name in adapted)
    assert_close("untrained adapter", velocity(flow, batch), before, 1e-6)
    velocity(flow, batch).square().sum().backward()
    trained = [parameter for name, parameter in flow.named_parameters() if ".lora_B" in name]
    assert trained and all(parameter.grad.any() for parameter in trained)


def test_half_precision_weights(batch):
    flow = random_flow()
    reference = velocity(flow, batch), flow.mu(*random_tokens(LENGTHS))[0]
    flow.bfloat16()
    halved = velocity(flow, batch), flow.mu(*random_tokens(LENGTHS))[0]
    for ours, theirs in zip(halved, reference, strict=True):
        assert ours.dtype == torch.float32
        assert_close("bf16", ours, theirs, 0.1)


def test_autocast(batch):
    flow = random_flow()
    reference = velocity(flow, batch), flow.mu(*random_tokens(LENGTHS))[0]
    with torch.autocast("cpu", torch.bfloat16):
        cast = velocity(flow, batch), flow.mu(*random_tokens(LENGTHS))[0]
    for ours, theirs in zip(cast, reference, strict=True):
        assert ours.dtype == torch.float32
        assert_close("autocast", ours, theirs, 0.1)


def test_grid_is_close_together_at_the_noise():
    steps = cosine_grid(8).diff()
    assert cosine_grid(8)[0] == 0
    assert abs(cosine_grid(8)[-1] - 1) < 1e-6
    assert bool((steps.diff() > 0).all())


def test_solver_steps_along_a_known_field(flow, batch, monkeypatch):
    """A constant velocity is integrated exactly, whatever the grid; guidance pushes away from the unconditioned."""

    def field(x, mask, mu, time, spk, cond):
        told = mu.abs().sum(dim=(1, 2)) + spk.abs().sum(dim=1) + cond.abs().sum(dim=(1, 2)) > 0
        return torch.where(told[:, None, None], 2.0, 0.5).expand(x.shape)

    monkeypatch.setattr(flow, "velocity", field)
    inputs = (batch["mu"], batch["mask"], batch["speaker"], batch["cond"].transpose(1, 2), batch["x"])
    start = batch["x"].transpose(1, 2)
    assert_close("plain", solve(flow, *inputs, steps=3, cfg=0.0), start + 2.0, TOLERANCE)
    assert_close("guided", solve(flow, *inputs, steps=3, cfg=0.7), start + 1.7 * 2.0 - 0.7 * 0.5, TOLERANCE)


def test_solver_asks_the_network_once_a_step_and_tells_its_progress(flow, batch, monkeypatch):
    asked, told = [], []
    network = flow.velocity
    monkeypatch.setattr(flow, "velocity", lambda x, *rest: (asked.append((len(x), rest[0])), network(x, *rest))[1])
    inputs = (batch["mu"], batch["mask"], batch["speaker"], batch["cond"].transpose(1, 2), batch["x"])
    solve(flow, *inputs, steps=4, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert [size for size, _ in asked] == [2 * len(LENGTHS)] * 4
    asked.clear()
    solve(flow, inputs[0], torch.ones_like(inputs[1]), *inputs[2:], steps=1, cfg=0.0)
    size, mask = asked[0]
    assert (size, mask) == (len(LENGTHS), None)  # attention without a mask is faster


def test_inference_returns_the_new_part_and_reads_the_prompt(flow):
    tokens, _ = random_tokens((8, 8))
    torch.manual_seed(3)
    prompt, speaker = torch.randn(2, 6, TINY.output_size), torch.randn(2, TINY.spk_embed_dim)
    noise = torch.randn(1, TINY.output_size, 40)
    mel = inference(flow, tokens[:, :3], tokens[:, 3:], prompt, speaker, noise, steps=2)
    assert mel.shape == (2, 2 * 5, TINY.output_size)
    other = inference(flow, tokens[:, :3], tokens[:, 3:], prompt + 1, speaker, noise, steps=2)
    assert (mel - other).abs().max() > 1e-3
    stretched = F.pad(prompt[:, :5], (0, 0, 1, 0))
    by_hand = inference(flow, tokens[:, :3], tokens[:, 3:], stretch(stretched[:, 1:], 6), speaker, noise, steps=2)
    of_another_length = inference(flow, tokens[:, :3], tokens[:, 3:], stretched[:, 1:], speaker, noise, steps=2)
    assert_close("stretched", of_another_length, by_hand, 0)
    with pytest.raises(ValueError, match="16 frames"):
        inference(flow, tokens[:, :3], tokens[:, 3:], prompt, speaker, noise[..., :15], steps=2)


def test_stretch_repeats_the_nearest_frame():
    mel = torch.arange(3.0)[None, :, None]
    assert stretch(mel, 6).flatten().tolist() == [0, 0, 1, 1, 2, 2]
    assert stretch(mel, 4).flatten().tolist() == [0, 0, 1, 2]
    assert stretch(mel, 3).equal(mel)
