"""Turns padded rows until their padding is behind them, where causality hides it from every token.

Positions count as distances alone, so turning a row changes none of its states. The attention then needs no mask, and
a row gives the same numbers whichever side it was padded on.

Shapes: B rows, T tokens, D width.
"""

from __future__ import annotations

import torch


def stretches(mask_BT: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Where the tokens of every row begin, and how many there are.

    Args:
        mask_BT: True (or 1) where there is a token.

    Returns:
        First columns (B, 1), ``None`` where all are 0; lengths (B,).

    Raises:
        ValueError: when a row has padding between its tokens.
    """
    tokens_BT = mask_BT.bool()
    first_B1 = tokens_BT.int().argmax(dim=1, keepdim=True)
    lengths_B = tokens_BT.sum(dim=1)
    columns = torch.arange(mask_BT.shape[1], device=mask_BT.device)
    stretch_BT = (columns >= first_B1) & (columns < first_B1 + lengths_B[:, None])
    # One question to the device instead of two.
    broken, shifted = torch.stack([(stretch_BT != tokens_BT).any(), first_B1.any()]).tolist()
    if broken:
        raise ValueError("a row of the attention mask has padding between its tokens")
    return (first_B1 if shifted else None), lengths_B


def turned(ids_BT: torch.Tensor, first_B1: torch.Tensor) -> torch.Tensor:
    """Rows whose tokens begin in column 0; the padding before them goes behind."""
    return ids_BT.gather(1, _columns(ids_BT, first_B1))


def turned_back(states_BTD: torch.Tensor, first_B1: torch.Tensor) -> torch.Tensor:
    """States of :func:`turned` rows in the columns where their tokens came from."""
    return states_BTD.gather(1, _columns(states_BTD, -first_B1)[..., None].expand_as(states_BTD))


def _columns(x: torch.Tensor, by_B1: torch.Tensor) -> torch.Tensor:
    return (torch.arange(x.shape[1], device=x.device) + by_B1) % x.shape[1]
