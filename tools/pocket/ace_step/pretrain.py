"""Pretraining of the pocket ACE-Step: its own objective on cached latents, with text encoder and transformer trained.

The objective is the published trainer's (``trainer.py``): noise levels from a table shifted towards noise, drawn
logit-normal, and the squared error of the predicted clean latent.

Shape legend: B batch, L tokens of text or lyrics, T latent frames; latents (B, 8, 16, T).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from tools.pocket.ace_step.batches import MelCorpus, PretrainBatch, make_batch
from tools.pocket.pretraining import PretrainPlan, Rate, Report, Trained, adamw, train

if TYPE_CHECKING:
    from tools.pocket.ace_step.assemble import Parts

RATE = Rate(peak=1.5e-3, floor=0.03, rise=200)
AVERAGE = 0.998


def loss_of(parts: Parts, batch: PretrainBatch) -> torch.Tensor:
    """Mean squared error of the predicted clean latent, which is sigma squared times that of the velocity; (B,)."""
    states = parts.text_encoder(input_ids=batch.text, attention_mask=batch.text_mask).last_hidden_state
    level = batch.sigma[:, None, None, None]
    noisy = level * batch.noise + (1 - level) * batch.latents
    velocity = parts.velocity(noisy, batch.sigma, states * batch.text_kept[:, None, None], batch.text_mask,
                              batch.lyrics, batch.lyric_mask)  # fmt: skip
    error = velocity.float() - (batch.noise - batch.latents)
    return batch.sigma.square() * error.square().mean(dim=(1, 2, 3))


def pretrain(
    parts: Parts,
    corpus: MelCorpus,
    plan: PretrainPlan,
    *,
    seed: int,
    state: Path,
    report: Report,
) -> Trained:
    """Train text encoder and transformer by :func:`train`; they end as the moving average of what they were.

    Args:
        parts: Trained in place.
        corpus: Latents of 126 frames or more, else the crops are shorter.
        plan: How long.
        seed: Every batch is drawn from it and from its own number, so a resumed run sees the same batches.
        state: Where to keep the unfinished training.
        report: Called after each update.
    """
    held = nn.ModuleList([parts.transformer, parts.text_encoder]).requires_grad_(True).train()
    optimizer = adamw(held, RATE.peak, decay=0.02, undecayed=("table", "emb"))

    def loss(number: int) -> torch.Tensor:
        batch = make_batch(parts, corpus, seed, number)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return loss_of(parts, batch).mean()

    used = train(held, optimizer, plan, RATE, loss, state=state, report=report, average=AVERAGE)
    held.requires_grad_(False).eval()
    return used


@torch.no_grad()
def held_out(parts: Parts, corpus: MelCorpus, sigmas: Sequence[float] = (0.25, 0.5, 0.75, 0.9)) -> list[float]:
    """Error of the predicted clean latent at fixed noise levels, mean over all clips, with captions, without lyrics."""
    out = []
    for sigma in sigmas:
        noise = torch.randn(corpus.latents.shape, generator=torch.Generator().manual_seed(0))
        text = parts.tokenizer(corpus.captions, padding=True, return_tensors="pt")
        count = len(corpus.captions)
        batch = PretrainBatch(
            corpus.latents.float(), noise, torch.full((count,), sigma), text.input_ids, text.attention_mask,
            torch.ones(count), torch.zeros(count, 1, dtype=torch.long), torch.zeros(count, 1),
        )  # fmt: skip
        out.append(float(loss_of(parts, batch).mean()))
    return out
