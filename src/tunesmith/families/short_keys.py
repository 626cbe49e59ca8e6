"""Attention over few keys (caption, lyrics) in bf16 on a CPU, where plain products are the faster.

PyTorch's fused kernel for CPUs pays for its blocks whatever their number, so the fewer the keys, the more it takes
beside plain products. Like the fused kernel this keeps no weights for the backward pass, which computes them again.

Shapes: B items, H heads, T queries, S keys, E head width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

MOST_KEYS = 512
"""Beyond that many keys the weights of all queries fill the caches and the fused kernel is as fast."""


def attend(
    q_BHTE: torch.Tensor, k_BHSE: torch.Tensor, v_BHSE: torch.Tensor, mask_B11S: torch.Tensor | None
) -> torch.Tensor:
    """What every query reads (B, H, T, E), by whichever way is the faster; the scale is E ** -0.5.

    Args:
        q_BHTE: Queries.
        k_BHSE: Keys.
        v_BHSE: Values.
        mask_B11S: Boolean, true where a key may be read; of any shape that broadcasts to (B, H, T, S). A query that
            may read none reads zero.
    """
    if takes(q_BHTE, k_BHSE):
        read: torch.Tensor = _Plain.apply(q_BHTE, k_BHSE, v_BHSE, mask_B11S)  # type: ignore[no-untyped-call]
        return read
    return F.scaled_dot_product_attention(q_BHTE, k_BHSE, v_BHSE, attn_mask=mask_B11S)


def takes(q_BHTE: torch.Tensor, k_BHSE: torch.Tensor) -> bool:
    """Whether plain products are the faster: many queries over few keys, in bf16 on a CPU."""
    half = q_BHTE.device.type == "cpu" and q_BHTE.dtype == torch.bfloat16
    return half and k_BHSE.shape[-2] <= MOST_KEYS and q_BHTE.shape[-2] >= 16


class _Plain(torch.autograd.Function):
    """softmax(q k' / sqrt(E)) v in plain products."""

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        read = _weights(q, k, mask) @ v
        ctx.save_for_backward(q, k, v, read, mask)
        return read

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        (g,) = gradients
        q, k, v, read, mask = ctx.saved_tensors
        weights = _weights(q, k, mask)
        value_gradient = weights.mT @ g
        # Of a softmax: what a key's score gains, less the mean of that over all keys.
        mean = (g * read).sum(dim=-1, keepdim=True, dtype=torch.float32).to(q.dtype)
        scores = (g @ v.mT).sub_(mean).mul_(weights).mul_(q.shape[-1] ** -0.5)
        return scores @ k, scores.mT @ q, value_gradient, None


def _weights(q: torch.Tensor, k: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is None:
        free: torch.Tensor = scores.softmax(dim=-1)
        return free
    weights: torch.Tensor = scores.masked_fill_(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return weights.masked_fill_(~mask.any(dim=-1, keepdim=True), 0.0)
