"""How the frames lie in memory where blocks read them: of another layout inductor makes wrong gradients."""

from __future__ import annotations

from .test_masks import MIXED, velocity
from .tiny_transformer import random_inputs, random_transformer


def test_every_block_reads_frames_laid_out_row_by_row():
    transformer = random_transformer()
    seen = []
    for block in transformer.transformer_blocks:
        block.register_forward_pre_hook(lambda _, given: seen.append(given[0].is_contiguous()))
    velocity(transformer, random_inputs(**MIXED), masked=True)
    assert seen == [True] * len(transformer.transformer_blocks)
