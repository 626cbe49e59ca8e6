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


def target_mask(frames: Sequence[int], steps: int, delays: Sequence[int]) -> torch.Tensor:
    """Which delayed positions (B, K, T) are real targets: behind the codebook's delay and before the clip's end."""
    position = torch.arange(steps)
    before_end = position[None, None, :] < torch.tensor(list(frames))[:, None, None]
    behind_delay = position[None, :] >= torch.tensor(list(delays))[:, None]
    return before_end & behind_delay[None]


def target_positions(
    frames: Sequence[int], steps: int, delays: Sequence[int], device: torch.device
) -> Sequence[torch.Tensor]:
    """Each codebook's real targets (N,) among the B times T positions of a batch.

    They are found on the CPU, which knows the lengths: a mask on a GPU would make the computer wait for it.
    """
    found = [valid_BT.flatten().nonzero()[:, 0] for valid_BT in target_mask(frames, steps, delays).unbind(1)]
    positions: Sequence[torch.Tensor] = (
        torch.cat(found).to(device, non_blocking=True).split([len(one) for one in found])
    )
    return positions


def caption_mask(mask_BL: torch.Tensor, queries: int, *, is_whole: bool) -> torch.Tensor | None:
    """What attention makes of a caption's mask: (B, 1, T, L) bool; ``None`` where every caption fills its row.

    transformers would ask the device for the latter at every call, and wait; a mask of four axes it takes as it is.
    """
    return None if is_whole else mask_BL.bool()[:, None, None].expand(-1, -1, queries, -1)


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

    ``batch``: codes (B, K, T) long, right-padded with ``pad``; frames, B true lengths; text (B, L, D); text_mask
    (B, L); text_is_whole, whether that holds no zero. Right padding needs no decoder mask: attention is causal, so it
    cannot reach a valid position.
    """
    delayed = delay(batch["codes"], delays, pad)
    steps = delayed.shape[-1]
    positions = target_positions(batch["frames"], steps, delays, delayed.device)
    inputs = decoder_input(delayed, pad)
    states = network.project(batch["text"], batch["text_mask"])
    hidden = network.decoder.model(
        input_ids=inputs.reshape(-1, inputs.shape[-1]),
        encoder_hidden_states=states,
        encoder_attention_mask=caption_mask(batch["text_mask"], steps, is_whole=batch["text_is_whole"]),
        use_cache=False,
    ).last_hidden_state
    sums = []
    for k, (head, valid) in enumerate(zip(network.decoder.lm_heads, positions, strict=True)):
        logits = head(hidden.flatten(0, 1)[valid])
        sums.append(F.cross_entropy(logits.float(), delayed[:, k].flatten()[valid], reduction="sum"))
    return sums


def musicgen_loss(network: Any, batch: Batch, delays: Sequence[int], pad: int) -> dict[str, LossTerm]:
    """The loss by codebook; the loop averages the codebooks that have any target (group ``loss``)."""
    counts: Mapping[str, float] = batch["denominators"]
    sums = cross_entropy_sums(network, batch, delays, pad)
    return {name: LossTerm(total, count) for (name, count), total in zip(counts.items(), sums, strict=True)}
