"""The released model's tensors, counted on modules without weights: every one is built, or dead by name."""

from __future__ import annotations

import math

import torch

from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer
from tunesmith.families.ace_step.parts.weights import is_dead, load_transformer, manifest

# Counted on upstream's own module at the sizes of the released config.json.
PUBLISHED_TENSORS = 874
PUBLISHED_PARAMETERS = 3_305_659_264


def test_published_sizes_are_the_defaults():
    shapes = manifest(TransformerConfig())
    assert len(shapes) == PUBLISHED_TENSORS
    assert sum(math.prod(shape) for shape in shapes.values()) == PUBLISHED_PARAMETERS


def test_every_declared_tensor_is_built_or_dead():
    config = TransformerConfig()
    with torch.device("meta"):
        transformer = AceStepTransformer(config, projectors=True)
    built = {name: tuple(tensor.shape) for name, tensor in transformer.state_dict().items()}
    declared = manifest(config)
    dead = {name: shape for name, shape in declared.items() if is_dead(name)}
    assert not set(built) & set(dead)
    assert built | dead == declared
    assert len(dead) == config.num_layers * 8
    assert sum(math.prod(shape) for shape in dead.values()) == config.num_layers * 4 * (2560 * 2560 + 2560)


def test_published_names_and_shapes():
    """A sample of every kind of tensor, as the released file spells it."""
    shapes = manifest(TransformerConfig())
    expected = {
        "transformer_blocks.23.scale_shift_table": (6, 2560),
        "transformer_blocks.0.attn.to_out.0.weight": (2560, 2560),
        "transformer_blocks.0.cross_attn.to_add_out.bias": (2560,),
        "transformer_blocks.0.ff.inverted_conv.conv.weight": (12800, 2560, 1),
        "transformer_blocks.0.ff.depth_conv.conv.weight": (12800, 1, 3),
        "transformer_blocks.0.ff.point_conv.conv.weight": (2560, 6400, 1),
        "timestep_embedder.linear_1.weight": (2560, 256),
        "t_block.1.weight": (15360, 2560),
        "speaker_embedder.weight": (2560, 512),
        "genre_embedder.weight": (2560, 768),
        "lyric_proj.weight": (2560, 1024),
        "lyric_embs.weight": (6693, 1024),
        "lyric_encoder.embed.out.0.weight": (1024, 1024),
        "lyric_encoder.encoders.5.self_attn.pos_bias_u": (16, 64),
        "lyric_encoder.encoders.5.feed_forward.w_1.weight": (4096, 1024),
        "projectors.1.4.weight": (768, 5120),
        "proj_in.early_conv_layers.0.weight": (2048, 8, 16, 1),
        "proj_in.early_conv_layers.1.weight": (2048,),
        "proj_in.early_conv_layers.2.weight": (2560, 2048, 1, 1),
        "final_layer.scale_shift_table": (2, 2560),
        "final_layer.linear.weight": (128, 2560),
    }
    assert {name: shapes[name] for name in expected} == expected
    assert "transformer_blocks.0.ff.point_conv.conv.bias" not in shapes
    assert "lyric_encoder.encoders.0.self_attn.linear_pos.bias" not in shapes


def test_training_builds_neither_dead_layers_nor_projectors(tmp_path):
    transformer = load_transformer(tmp_path, TransformerConfig(), meta=True)
    parameters = sum(parameter.numel() for parameter in transformer.parameters())
    # 19 % are dead; the projectors take another 88 M.
    assert 0.77 < parameters / PUBLISHED_PARAMETERS < 0.79
    assert {(p.device.type, p.requires_grad) for p in transformer.parameters()} == {("meta", False)}
