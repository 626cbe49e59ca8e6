"""The decoder's attention as transformers calls it: its ``sdpa``, but for captions read in bf16 on a CPU.

Shapes: B clips, H heads, T queries, S keys, E head width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tunesmith.families import short_keys

NAME = "tunesmith"
"""``_attn_implementation`` of a config whose model attends by this."""


def register() -> None:
    """Make it known to transformers, with the masks of its ``sdpa``."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """What every query reads, (B, T, H, E)."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    bare = attention_mask is None or attention_mask.dtype == torch.bool
    if bare and not module.is_causal and not settings.get("dropout") and short_keys.takes(query, key):
        return short_keys.attend(query, key, value, attention_mask).transpose(1, 2).contiguous(), None
    read, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
    return read, None
