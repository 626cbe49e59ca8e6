"""Draws mel from the flow: Euler steps along its velocity with classifier-free guidance.

Shapes: B items, T tokens (25 Hz), F mel frames (50 Hz), C mel channels (80), E speaker features (192).

Source: "CosyVoice 2" (Du et al. 2024) and ``cosyvoice2/flow/flow_matching.py`` of Step-Audio-EditX.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional as F

from tunesmith.families.step_audio.parts.flow import Flow

ProgressCallback = Callable[[float], None]
"""Called with the share done, 0..1."""


def cosine_grid(steps: int, device: torch.device | None = None) -> torch.Tensor:
    """The ``steps`` + 1 times of the solver, 0 (noise) to 1 (data), close together at the noise; fp32."""
    return 1 - torch.cos(torch.linspace(0, 1, steps + 1, device=device) * (math.pi / 2))


@torch.no_grad()
def solve(  # noqa: PLR0913 - the state and its conditions, each a tensor
    flow: Flow,
    mu_BFC: torch.Tensor,
    mask_BF: torch.Tensor,
    spk_BC: torch.Tensor,
    cond_BFC: torch.Tensor,
    noise_BCF: torch.Tensor,
    *,
    steps: int = 10,
    cfg: float = 0.7,
    progress: ProgressCallback | None = None,
) -> torch.Tensor:
    """Mel (B, F, C) from noise.

    Args:
        flow: The network.
        mu_BFC: What the tokens say, with its mask: :meth:`Flow.mu`.
        mask_BF: True where a frame is valid; frames past the end of an item come back without meaning.
        spk_BC: :meth:`Flow.speaker`.
        cond_BFC: Known log-mel (the prompt), 0 elsewhere.
        noise_BCF: Where the steps start, standard normal.
        steps: Evaluations of the network.
        cfg: Guidance w: (1 + w) times the velocity under the conditions, minus w times that without any; 0 for none.
        progress: Called after every step.
    """
    mask = None if bool(mask_BF.all()) else mask_BF[:, None]
    conditions = [mu_BFC.transpose(1, 2), spk_BC, cond_BFC.transpose(1, 2)]
    if cfg:
        conditions = [torch.cat([condition, torch.zeros_like(condition)]) for condition in conditions]
        mask = None if mask is None else torch.cat([mask, mask])
    mu, spk, cond = conditions
    grid = cosine_grid(steps, mu.device)
    x, time = noise_BCF.float(), grid[0]
    for step in range(steps):
        # The sum of the steps so far, not the grid, is what the reference measures the next step from.
        size = grid[step + 1] - time
        batch = torch.cat([x, x]) if cfg else x
        velocity = flow.velocity(batch, mask, mu, time.expand(len(batch)), spk, cond)
        if cfg:
            known, unknown = velocity.chunk(2)
            velocity = (1 + cfg) * known - cfg * unknown
        x, time = x + size * velocity, time + size
        if progress is not None:
            progress((step + 1) / steps)
    return x.transpose(1, 2)


@torch.no_grad()
def inference(  # noqa: PLR0913 - prompt and new part, each with its tensors
    flow: Flow,
    prompt_tokens_BT2: torch.Tensor,
    tokens_BT2: torch.Tensor,
    prompt_mel_BFC: torch.Tensor,
    embedding_BE: torch.Tensor,
    noise_BCF: torch.Tensor,
    *,
    steps: int = 10,
    cfg: float = 0.7,
    progress: ProgressCallback | None = None,
) -> torch.Tensor:
    """Mel (B, F, C) of new tokens in the voice of a prompt; no item is padded.

    Args:
        flow: The network.
        prompt_tokens_BT2: Tokens of the prompt.
        tokens_BT2: Tokens to make mel of.
        prompt_mel_BFC: Log-mel of the prompt; brought to the length of its tokens by the nearest frame.
        embedding_BE: Its speaker vector.
        noise_BCF: Standard normal, for the frames of prompt and new tokens together; more frames are cut off, and one
            row serves every item.
        steps: See :func:`solve`.
        cfg: See :func:`solve`.
        progress: See :func:`solve`.

    Raises:
        ValueError: when the noise has too few frames.
    """
    tokens = torch.cat([prompt_tokens_BT2, tokens_BT2], dim=1)
    mu, mask = flow.mu(tokens, torch.full((len(tokens),), tokens.shape[1], device=tokens.device))
    frames, known = mu.shape[1], prompt_tokens_BT2.shape[1] * flow.config.encoder.up_stride
    if noise_BCF.shape[-1] < frames:
        raise ValueError(f"{frames} frames need as much noise, not {noise_BCF.shape[-1]}")
    cond = torch.zeros_like(mu)
    cond[:, :known] = stretch(prompt_mel_BFC, known)
    noise = noise_BCF[..., :frames].expand(len(mu), -1, -1)
    mel = solve(flow, mu, mask, flow.speaker(embedding_BE), cond, noise, steps=steps, cfg=cfg, progress=progress)
    return mel[:, known:]


def stretch(mel_BFC: torch.Tensor, frames: int) -> torch.Tensor:
    """Mel of another number of frames, each the nearest before it; mel of this number comes back as it is."""
    return F.interpolate(mel_BFC.transpose(1, 2), size=frames, mode="nearest").transpose(1, 2)
