"""The released flow's tensors, counted on modules without weights."""

from __future__ import annotations

import pytest
import torch

from tunesmith.families.step_audio.config import FlowConfig
from tunesmith.families.step_audio.parts.flow import Flow

# Counted on upstream's own modules at the sizes of the released cosyvoice.yaml.
PUBLISHED_TENSORS = 605
PUBLISHED_PARAMETERS = 153_754_096


@pytest.fixture(scope="module")
def flow():
    with torch.device("meta"):
        return Flow(FlowConfig())


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_sizes_are_the_defaults(flow):
    assert len(flow.state_dict()) == PUBLISHED_TENSORS
    assert parameters(flow) == PUBLISHED_PARAMETERS
    assert round(parameters(flow.encoder) / 1e6, 1) == 37.8
    assert round(parameters(flow.decoder) / 1e6, 1) == 114.6


def test_every_tensor_is_either_a_condition_or_the_decoder(flow):
    conditions = ("input_embedding.", "encoder.", "encoder_proj.", "spk_embed_affine_layer.")
    names = flow.state_dict()
    assert all(name.startswith((*conditions, "decoder.estimator.")) for name in names)
    assert all(any(name.startswith(part) for name in names) for part in conditions)
    assert {parameter.device.type for parameter in flow.parameters()} == {"meta"}


def test_published_names_and_shapes(flow):
    """A sample of every kind of tensor, as the released file spells it."""
    expected = {
        "input_embedding.embedding.weight": (5121, 256),
        "spk_embed_affine_layer.weight": (80, 192),
        "encoder_proj.weight": (80, 512),
        "encoder.embed.out.0.weight": (512, 512),
        "encoder.embed.out.1.bias": (512,),
        "encoder.pre_lookahead_layer.conv1.weight": (512, 512, 4),
        "encoder.pre_lookahead_layer.conv2.weight": (512, 512, 3),
        "encoder.encoders.5.self_attn.pos_bias_u": (8, 64),
        "encoder.encoders.5.self_attn.linear_pos.weight": (512, 512),
        "encoder.encoders.5.feed_forward.w_1.weight": (2048, 512),
        "encoder.encoders.5.norm_mha.weight": (512,),
        "encoder.up_layer.conv.weight": (512, 512, 5),
        "encoder.up_embed.out.0.weight": (512, 512),
        "encoder.up_encoders.3.self_attn.linear_k.bias": (512,),
        "encoder.after_norm.weight": (512,),
        "decoder.estimator.t_embedder.mlp.0.weight": (512, 256),
        "decoder.estimator.in_proj.weight": (512, 320),
        "decoder.estimator.blocks.15.attn.to_q.weight": (512, 512),
        "decoder.estimator.blocks.15.attn.q_norm.weight": (64,),
        "decoder.estimator.blocks.15.attn.proj.bias": (512,),
        "decoder.estimator.blocks.15.conv.block.1.weight": (512, 512, 3),
        "decoder.estimator.blocks.15.conv.block.3.weight": (512,),
        "decoder.estimator.blocks.15.conv.block.6.bias": (512,),
        "decoder.estimator.blocks.15.mlp.fc1.weight": (2048, 512),
        "decoder.estimator.blocks.15.adaLN_modulation.1.weight": (4608, 512),
        "decoder.estimator.final_layer.adaLN_modulation.1.weight": (1024, 512),
        "decoder.estimator.final_layer.linear.weight": (80, 512),
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in flow.state_dict().items()}
    assert {name: shapes[name] for name in expected} == expected
    assert "encoder.encoders.0.self_attn.linear_pos.bias" not in shapes
    assert "encoder.encoders.6.norm_ff.weight" not in shapes
    assert "decoder.estimator.blocks.0.norm1.weight" not in shapes
