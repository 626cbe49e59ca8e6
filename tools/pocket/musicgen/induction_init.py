"""Gives the untrained decoder the idea of a loop: its first layer looks back by exactly one bar.

Finding out that music repeats takes a small transformer thousands of updates (induction heads, Olsson et al. 2022).
All styles here repeat after one bar at one of two tempos, so the heads of the first layer are written to attend that
far back and to pass on what they find. Nothing is fixed: training is free to change all of it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import MusicgenForConditionalGeneration

BARS = (128, 160)  # frames of a bar of sixteen sixteenths: 8 and 10 frames each, 150 and 120 beats per minute
SHARPNESS = 22.0  # logit of the frame one bar back; its neighbours follow at a distance


def write_head_start(model: MusicgenForConditionalGeneration, seed: int = 0) -> None:
    """Write the first self-attention, the code embeddings and the output heads of ``model``, in place."""
    decoder: Any = model.decoder
    stack = decoder.model.decoder
    attention = stack.layers[0].self_attn
    width, heads = attention.q_proj.weight.shape[1], attention.num_heads
    rngs = torch.Generator().manual_seed(seed)
    half = width // 2
    passed = torch.linalg.qr(torch.randn(width, width, generator=rngs))[0][:half]
    with torch.no_grad():
        for head in range(heads):
            # the input is already one frame late, so the frame to repeat lies one less than a bar back
            lag = BARS[head * len(BARS) // heads] - 1
            query, key = _look_back(width, width // heads, lag)
            rows = slice(head * width // heads, (head + 1) * width // heads)
            attention.q_proj.weight[rows] = query
            attention.k_proj.weight[rows] = key
        attention.v_proj.weight.copy_(torch.cat([passed, passed]))
        attention.out_proj.weight.copy_(torch.cat([passed, passed]).T)
        for embedding, output in zip(stack.embed_tokens, decoder.lm_heads, strict=True):
            embedding.weight.copy_(0.5 * torch.randn(embedding.weight.shape, generator=rngs))
            output.weight.copy_(0.1 * embedding.weight[: output.weight.shape[0]])


def _look_back(width: int, size: int, lag: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Query and key weights (size, width) whose product over sinusoidal positions peaks ``lag`` frames back.

    Musicgen's positions are ``[cos(w p), sin(w p)]`` with frequencies w from 1 to 1/10000 (Vaswani et al. 2017). For
    each of the faster ones, cos(w (p - lag - p')) is a product of two linear maps of the positions p and p'.
    """
    half = width // 2
    frequency = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
    chosen = torch.linspace(0, width // 6, size // 2).round().long().unique()
    gain = math.sqrt(SHARPNESS * math.sqrt(size) / len(chosen) / 2)  # the layer norm doubles the power of positions
    query, key = torch.zeros(size, width), torch.zeros(size, width)
    for row, index in enumerate(chosen.tolist()):
        turn = float(frequency[index]) * lag
        even, odd = 2 * row, 2 * row + 1
        key[even, index] = key[odd, half + index] = gain
        query[even, index] = query[odd, half + index] = gain * math.cos(turn)
        query[even, half + index] = gain * math.sin(turn)
        query[odd, index] = -gain * math.sin(turn)
    return query, key
