"""The positions of Step1: a penalty on attention that grows with the square root of the distance.

Shapes: H query heads, Q queries, K keys, T tokens.

Slopes are those of "Train Short, Test Long" (Press et al. 2022, ALiBi); the square root is Step1's own
(``src/model/step_audio.py`` of Step-Audio-EditX).
"""

from __future__ import annotations

import math

import torch

_HIDDEN = float("-inf")


def alibi_slopes(heads: int, device: torch.device | str | None = None) -> torch.Tensor:
    """Slope of every query head (H,), fp32.

    A power of two gives one geometric series; what is beyond it takes every other step of the series twice as fine.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * k / power) for k in range(1, power + 1)]
    slopes += [2 ** (-4 * (2 * k - 1) / power) for k in range(1, heads - power + 1)]
    return torch.tensor(slopes, dtype=torch.float32, device=device)


def alibi_bias(slopes_H: torch.Tensor, queries: torch.Tensor, keys_K: torch.Tensor) -> torch.Tensor:
    """What is added to the scores: ``-slope * sqrt(query - key)``, and -inf for keys that come later.

    Args:
        slopes_H: From :func:`alibi_slopes`.
        queries: Positions of the queries (..., Q).
        keys_K: Positions of the keys.

    Returns:
        (..., H, Q, K) fp32.
    """
    distance = (queries[..., :, None] - keys_K).unsqueeze(-3)
    penalty = -slopes_H[:, None, None] * distance.clamp(min=0).float().sqrt()
    return penalty.masked_fill(distance < 0, _HIDDEN)


def distance_table(slopes_H: torch.Tensor, length: int, dtype: torch.dtype) -> torch.Tensor:
    """Bias by distance (H, 2T - 1): column ``n`` is that of distance ``n - (T - 1)``."""
    columns = torch.arange(2 * length - 1, device=slopes_H.device)
    return alibi_bias(slopes_H, columns, columns.new_tensor([length - 1]))[..., 0].to(dtype)


def bias_of_reversed_keys(table_HN: torch.Tensor, start: int, end: int) -> torch.Tensor:
    """Bias (1, H, end - start, end) of the queries from ``start`` to ``end`` on the keys before ``end``, last first.

    The bias depends on the distance alone, so with the keys in reverse order every row is the one above it moved by one
    column: a view of the table, which takes no memory of its own.
    """
    heads, columns = table_HN.shape
    first = (columns + 1) // 2 + start - end
    return table_HN.as_strided((1, heads, end - start, end), (0, columns, 1, 1), table_HN.storage_offset() + first)
