from __future__ import annotations

import math

import pytest
import torch
from transformers.models.musicgen.modeling_musicgen import MusicgenSinusoidalPositionalEmbedding

from tools.pocket.musicgen.induction_init import BARS, _look_back

torch.set_num_threads(1)


@pytest.mark.parametrize("bar", BARS)
def test_a_written_head_attends_one_bar_back_wherever_it_is(bar: int) -> None:
    width, size, frames = 192, 48, 500
    positions = MusicgenSinusoidalPositionalEmbedding(frames, width).get_embedding(frames, width)
    inputs = torch.nn.functional.layer_norm(positions, (width,))
    query, key = _look_back(width, size, bar - 1)
    scores = (inputs @ query.T) @ (inputs @ key.T).T / math.sqrt(size)
    scores = scores.masked_fill(torch.ones(frames, frames).triu(1) > 0, -torch.inf).softmax(-1)
    for frame in (200, 333, 499):
        assert int(scores[frame].argmax()) == frame - bar + 1
        assert scores[frame].max() > 0.6
