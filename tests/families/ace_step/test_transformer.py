"""What the transformer offers besides its outputs: recomputation, compilation, weakened queries, half precision."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.families.ace_step.tiny_transformer import TINY, random_inputs, random_transformer
from tunesmith.families.ace_step.config import LyricEncoderConfig
from tunesmith.families.ace_step.parts.lyric_encoder import ERG_LYRIC_LAYERS
from tunesmith.families.ace_step.parts.transformer import ERG_BLOCKS

DEEP = replace(TINY, num_layers=max(ERG_BLOCKS) + 2, lyric_encoder=replace(TINY.lyric_encoder, num_blocks=6))
MIXED = {"frames": (11, 8), "text": (3, 4), "lyrics": (6, 2)}


def step(transformer, inputs):
    """Loss and gradients of one masked forward pass."""
    mask = inputs.masks()[0]
    loss = transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer), mask).square().mean()
    return loss, torch.autograd.grad(loss, list(transformer.parameters()))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_checkpointing_changes_no_gradient(dropout):
    transformer = random_transformer(lyric_dropout=dropout).train()
    inputs = random_inputs(**MIXED)
    torch.manual_seed(0)
    plain = step(transformer, inputs)
    calls = []
    transformer.transformer_blocks[1].register_forward_pre_hook(lambda *_: calls.append("block"))
    transformer.lyric_encoder.encoders[1].register_forward_pre_hook(lambda *_: calls.append("lyrics"))
    transformer.enable_checkpointing()
    torch.manual_seed(0)
    recomputed = step(transformer, inputs)
    assert sorted(calls) == ["block", "block", "lyrics", "lyrics"]
    torch.testing.assert_close(recomputed, plain, rtol=0, atol=1e-7)


def test_lyric_dropout_acts_in_train_mode_alone():
    transformer = random_transformer(lyric_dropout=0.5)
    inputs = random_inputs(**MIXED)
    assert torch.equal(inputs.encode(transformer).states, inputs.encode(transformer).states)
    transformer.train()
    assert not torch.equal(inputs.encode(transformer).states, inputs.encode(transformer).states)
    drops = []
    for module in transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.register_forward_hook(lambda *_: drops.append(1))
    inputs.encode(transformer)
    # Upstream's places: input and distances once, then attention, inner and outer feed-forward in every layer.
    assert len(drops) == 2 + 3 * TINY.lyric_encoder.num_blocks


@torch.no_grad()
def test_blocks_compile_without_breaks():
    """Traced, not turned into machine code, which takes a compiler and a minute."""
    transformer, inputs = random_transformer(), random_inputs(**MIXED)
    conditions, mask = inputs.encode(transformer), inputs.masks()[0]
    plain = transformer.decode(inputs.latents, inputs.time, conditions, mask)
    for block in transformer.transformer_blocks:
        block.compile(fullgraph=True, backend="aot_eager")
    compiled = transformer.decode(inputs.latents, inputs.time, conditions, mask)
    torch.testing.assert_close(compiled, plain, rtol=0, atol=1e-6)


@torch.no_grad()
def test_weak_queries_act_per_item_and_in_their_blocks_alone():
    """A factor on the queries equals the same factor on the weights and bias of ``to_q``."""
    transformer, inputs = random_transformer(DEEP), random_inputs(**MIXED, config=DEEP)
    conditions, mask = inputs.encode(transformer), inputs.masks()[0]

    def decode(scale=None):
        return transformer.decode(inputs.latents, inputs.time, conditions, mask, query_scale_B=scale)

    plain = decode()
    mixed = decode(torch.tensor([1.0, 0.01]))
    for index in ERG_BLOCKS:
        block = transformer.transformer_blocks[index]
        for layer in (block.attn.to_q, block.cross_attn.to_q):
            layer.weight.mul_(0.01)
            layer.bias.mul_(0.01)
    weak = decode()
    torch.testing.assert_close(mixed, torch.stack([plain[0], weak[1]]), rtol=0, atol=1e-5)
    assert (weak - plain).abs().amax(dim=(1, 2, 3)).min() > 1e-3


@torch.no_grad()
def test_weak_lyric_queries_act_in_their_layers_alone():
    transformer, inputs = random_transformer(DEEP), random_inputs(**MIXED, config=DEEP)
    plain = inputs.encode(transformer).states
    mixed = inputs.encode(transformer, lyric_query_scale=0.01).states
    for index in ERG_LYRIC_LAYERS:
        layer = transformer.lyric_encoder.encoders[index].self_attn.linear_q
        layer.weight.mul_(0.01)
        layer.bias.mul_(0.01)
    torch.testing.assert_close(mixed, inputs.encode(transformer).states, rtol=0, atol=1e-5)
    assert (mixed - plain).abs().max() > 1e-3


@pytest.mark.parametrize("base", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_base_with_full_precision_adapter(base, autocast):
    from peft import LoraConfig, inject_adapter_in_model

    transformer, inputs = random_transformer(), random_inputs(**MIXED)
    with torch.no_grad():
        exact = transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer), inputs.masks()[0])
    transformer.to(base).requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=2, target_modules=["to_q", "linear_q"]), transformer)
    adapter = [parameter for parameter in transformer.parameters() if parameter.requires_grad]
    for parameter in adapter:
        parameter.data = parameter.data.float()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        velocity = transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer), inputs.masks()[0])
    assert velocity.dtype == torch.float32
    torch.testing.assert_close(velocity, exact, rtol=0, atol=0.1 * exact.abs().max().item())
    gradients = torch.autograd.grad(velocity.square().mean(), adapter)
    assert all(gradient.dtype == torch.float32 and gradient.isfinite().all() for gradient in gradients)


def test_one_lyric_token_and_one_frame():
    transformer, inputs = random_transformer(), random_inputs((1,), (1,), (1,))
    velocity = transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer))
    assert velocity.shape == inputs.latents.shape
    assert velocity.isfinite().all()


def test_projectors_are_built_on_request():
    plain = random_transformer()
    assert not any("projectors" in name for name in plain.state_dict())
    with pytest.raises(ValueError, match="without projectors"):
        plain.project(torch.zeros(1, 2, TINY.inner_dim), 0)
    whole = random_transformer(projectors=True)
    assert whole.project(torch.zeros(1, 2, TINY.inner_dim), 1).shape == (1, 2, TINY.ssl_latent_dims[1])


def test_sizes_of_the_lyric_encoder_may_differ_from_its_embedding():
    config = replace(TINY, lyric_hidden_size=12, lyric_encoder=LyricEncoderConfig(8, 2, 10, 1))
    transformer, inputs = random_transformer(config), random_inputs((4,), (2,), (3,), config)
    assert inputs.encode(transformer).states.shape == (1, 6, config.inner_dim)


@torch.no_grad()
def test_an_adapter_may_go_on_the_convolutions_of_the_feed_forward():
    from peft import LoraConfig, get_peft_model

    transformer, inputs = random_transformer(), random_inputs(**MIXED)

    def decoded(network):
        return network.decode(inputs.latents, inputs.time, inputs.encode(network), inputs.masks()[0])

    before = decoded(transformer)
    targets = ["inverted_conv.conv", "point_conv.conv"]
    adapted = get_peft_model(transformer, LoraConfig(r=2, target_modules=targets, init_lora_weights=False))
    after = decoded(adapted.get_base_model())
    assert not torch.allclose(before, after)
    assert torch.allclose(decoded(adapted.merge_and_unload()), after, atol=1e-4)
