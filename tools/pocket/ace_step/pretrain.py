"""Pretraining of the pocket ACE-Step: its own objective on cached latents, with text encoder and transformer trained.

The objective is the published trainer's (``trainer.py``): noise levels from a table shifted towards noise, drawn
logit-normal, and the squared error of the predicted clean latent.

Shape legend: B batch, L tokens of text or lyrics, T latent frames; latents (B, 8, 16, T).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from tools.pocket.ace_step.batches import MelCorpus, PretrainBatch, make_batch
from tools.pocket.musicgen.pretrain import PretrainPlan, Trained, step
from tunesmith.files import atomic_path
from tunesmith.training.ema import Ema

if TYPE_CHECKING:
    from tools.pocket.ace_step.assemble import Parts

PEAK_RATE = 1.5e-3
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
    report: Callable[[Trained, float], None],
) -> Trained:
    """Train text encoder and transformer; they end as the moving average of what they were.

    The state is saved every minute and on interruption, and taken up again.

    Args:
        parts: Trained in place.
        corpus: Latents of 126 frames or more, else the crops are shorter.
        plan: How long.
        seed: Every batch is drawn from it and from its own number, so a resumed run sees the same batches.
        state: Where to keep the unfinished training.
        report: Called after each update with what was used and the share that is done.
    """
    held = nn.ModuleList([parts.transformer, parts.text_encoder]).requires_grad_(True).train()
    optimizer = _optimizer(held)
    average = Ema(dict(held.named_parameters()), AVERAGE)
    used = _restore(held, optimizer, average, state)
    saved = time.monotonic()
    try:
        while (done := plan.fraction(used.updates, used.seconds)) < 1.0:
            began = time.monotonic()
            batch = make_batch(parts, corpus, seed, used.updates)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = loss_of(parts, batch).mean()
            step(optimizer, loss, _rate(used.updates, done))
            used.updates += 1
            average.update(used.updates)
            used.loss = loss.item()
            used.seconds += time.monotonic() - began
            report(used, done)
            if time.monotonic() - saved > 60:
                _save(held, optimizer, average, used, state)
                saved = time.monotonic()
    finally:
        _save(held, optimizer, average, used, state)
    with torch.no_grad():
        for name, parameter in held.named_parameters():
            parameter.copy_(average.shadow[name])
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


def _optimizer(held: nn.Module) -> torch.optim.Optimizer:
    """AdamW; norms, biases and modulation tables are not decayed."""
    named = [(name, p) for name, p in held.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if p.dim() <= 1 or "table" in name or "emb" in name]
    chosen = {id(p) for p in plain}
    groups = [
        {"params": [p for _, p in named if id(p) not in chosen], "weight_decay": 0.02},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95))


def _rate(updates: int, done: float) -> float:
    """Learning rate: a rise over 200 updates or a twentieth of the training, then a cosine to 3 % of the peak."""
    warm = min(1.0, max((updates + 1) / 200, done / 0.05))
    return PEAK_RATE * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done)))


def _save(held: nn.Module, optimizer: torch.optim.Optimizer, average: Ema, used: Trained, path: Path) -> None:
    stored = {"model": held.state_dict(), "optimizer": optimizer.state_dict(), "average": average.shadow}
    with atomic_path(path) as temporary:
        torch.save({**stored, "used": vars(used)}, temporary)


def _restore(held: nn.Module, optimizer: torch.optim.Optimizer, average: Ema, path: Path) -> Trained:
    if not path.exists():
        return Trained()
    stored = torch.load(path, weights_only=True)
    held.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    average.shadow = stored["average"]
    return Trained(**stored["used"])
