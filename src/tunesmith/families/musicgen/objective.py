"""MusicGen's training objective: next-code cross-entropy under the delay pattern, per codebook.

Shapes: B clips, K codebooks, T frames (= decoding steps), V codes, L text tokens, D width.

Source: "Simple and Controllable Music Generation" (Copet et al. 2023) and audiocraft's ``LMModel.compute_predictions``
with ``keep_only_valid_steps=True``: codebook k is delayed by delays[k] frames, the first T steps are kept, so it has
T - delays[k] targets. No released transformers version applies the delay to ``labels``, so it is built here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossTerm


def delay(codes_BKT: torch.Tensor, delays: Sequence[int], pad: int) -> torch.Tensor:
    """Shift codebook k right by ``delays[k]``: d[k, s] = c[k, s - delays[k]], ``pad`` before it; length stays T."""
    delayed = torch.full_like(codes_BKT, pad)
    steps = codes_BKT.shape[-1]
    for k, shift in enumerate(delays):
        if shift < steps:
            delayed[:, k, shift:] = codes_BKT[:, k, : steps - shift]
    return delayed


def decoder_input(delayed_BKT: torch.Tensor, pad: int) -> torch.Tensor:
    """What the decoder reads while it predicts ``delayed``: the same, one step later, behind a start token."""
    start = torch.full_like(delayed_BKT[..., :1], pad)
    return torch.cat([start, delayed_BKT[..., :-1]], dim=-1)


def target_mask(frames_B: torch.Tensor, steps: int, delays: Sequence[int]) -> torch.Tensor:
    """Which delayed positions (B, K, T) are real targets: behind the codebook's delay and before the clip's end."""
    position = torch.arange(steps, device=frames_B.device)
    before_end = position[None, None, :] < frames_B[:, None, None]
    behind_delay = position[None, :] >= torch.tensor(list(delays), device=frames_B.device)[:, None]
    return before_end & behind_delay[None]


def term_weights(frames: Sequence[int], delays: Sequence[int]) -> dict[str, float]:
    """How many targets each codebook has in a batch of clips with these true lengths."""
    return {f"codebook_{k}": float(sum(max(0, n - shift) for n in frames)) for k, shift in enumerate(delays)}


def condition_dropout(rngs: Sequence[ItemRng] | None, rate: float, count: int) -> torch.Tensor:
    """1 where a clip keeps its caption, 0 where it is dropped (B,); drawn per clip and epoch."""
    if rngs is None or rate == 0:
        return torch.ones(count)
    return torch.tensor([float(d.generator("text_drop").random() >= rate) for d in rngs])


def cross_entropy_sums(network: Any, batch: Batch, delays: Sequence[int], pad: int) -> list[torch.Tensor]:
    """Summed cross-entropy per codebook over its real targets, in nats.

    ``batch``: codes (B, K, T) long, right-padded with ``pad``; frames (B,) true lengths; text (B, L, D); text_mask
    (B, L). Right padding needs no decoder mask: attention is causal, so it cannot reach a valid position.
    """
    delayed = delay(batch["codes"], delays, pad)
    mask = target_mask(batch["frames"], delayed.shape[-1], delays)
    inputs = decoder_input(delayed, pad)
    states = network.project(batch["text"], batch["text_mask"])
    hidden = network.decoder.model(
        input_ids=inputs.reshape(-1, inputs.shape[-1]),
        encoder_hidden_states=states,
        encoder_attention_mask=batch["text_mask"].long(),
        use_cache=False,
    ).last_hidden_state
    sums = []
    for k, head in enumerate(network.decoder.lm_heads):
        valid = mask[:, k]
        logits = head(hidden[valid])
        sums.append(F.cross_entropy(logits.float(), delayed[:, k][valid], reduction="sum"))
    return sums


def musicgen_loss(network: Any, batch: Batch, delays: Sequence[int], pad: int) -> dict[str, LossTerm]:
    """The loss by codebook; the loop averages the codebooks that have any target (group ``loss``)."""
    counts: Mapping[str, float] = batch["denominators"]
    sums = cross_entropy_sums(network, batch, delays, pad)
    return {name: LossTerm(total, count) for (name, count), total in zip(counts.items(), sums, strict=True)}
