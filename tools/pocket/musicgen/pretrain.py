"""Pretraining of the pocket MusicGen: delayed codebooks, cross entropy, random crops, text dropout."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tools.pocket.musicgen.corpus import Corpus
from tunesmith.data.item_rng import ItemRng
from tunesmith.files import atomic_path

if TYPE_CHECKING:
    from transformers import MusicgenForConditionalGeneration, T5Tokenizer

SHAPES = ((320, 6), (480, 4), (656, 3))  # (frames, clips) of a batch: long crops too, or late positions stay unknown
PEAK_RATE = 2e-3
TEXT_DROPOUT = 0.15


@dataclass
class PretrainPlan:
    """How long to train: until ``updates`` or, when that is None, until ``minutes`` of training have passed."""

    minutes: float = 40.0
    updates: int | None = None

    def fraction(self, updates: int, seconds: float) -> float:
        """Share of the training that is done, from 0 to 1."""
        return updates / max(1, self.updates) if self.updates is not None else seconds / (60 * max(self.minutes, 1e-6))


@dataclass
class Trained:
    """What a training has used up so far."""

    updates: int = 0
    seconds: float = 0.0
    loss: float = math.nan


def delay(codes: torch.Tensor, pad: int) -> torch.Tensor:
    """Shift codebook k right by k frames, (B, K, T) to (B, K, T); the tail falls off (Copet et al. 2023, delay)."""
    out = codes.new_full(codes.shape, pad)
    for book in range(codes.shape[1]):
        out[:, book, book:] = codes[:, book, : codes.shape[2] - book]
    return out


def losses(
    model: MusicgenForConditionalGeneration, ids: torch.Tensor, mask: torch.Tensor, codes: torch.Tensor
) -> torch.Tensor:
    """Cross entropy in nats of each codebook, (K,): codes (B, K, T), text ids and mask (B, L)."""
    config: Any = model.config.decoder
    pad: int = config.pad_token_id
    target = delay(codes, pad)
    batch, books, frames = target.shape
    inputs = torch.cat([target.new_full((batch, books, 1), pad), target[:, :, :-1]], dim=2)
    out = model(
        input_ids=ids, attention_mask=mask, decoder_input_ids=inputs.reshape(batch * books, frames), use_cache=False
    )
    logits = out.logits.view(batch, books, frames, -1).permute(1, 0, 2, 3)
    wanted = target.masked_fill(target == pad, -100).transpose(0, 1)
    pairs = zip(logits, wanted, strict=True)
    return torch.stack([torch.nn.functional.cross_entropy(g.flatten(0, 1), w.flatten()) for g, w in pairs])


def pretrain(
    model: MusicgenForConditionalGeneration,
    tokenizer: T5Tokenizer,
    corpus: Corpus,
    plan: PretrainPlan,
    *,
    seed: int,
    state: Path,
    report: Callable[[Trained, float], None],
) -> Trained:
    """Train text encoder and decoder; the state is saved every minute and on interruption, and taken up again.

    Args:
        model: Trained in place; its codec stays as it is.
        tokenizer: For the captions of ``corpus``.
        corpus: Codes of 656 frames or more, else the crops are shorter.
        plan: How long.
        seed: Every batch is drawn from it and from its own number, so a resumed run sees the same batches.
        state: Where to keep the unfinished training.
        report: Called after each update with what was used and the share that is done.
    """
    model.audio_encoder.requires_grad_(False)
    optimizer = _optimizer(model)
    used = restore_state(model, optimizer, state)
    saved = time.monotonic()
    model.train()
    model.audio_encoder.eval()
    try:
        while (done := plan.fraction(used.updates, used.seconds)) < 1.0:
            began = time.monotonic()
            loss = losses(model, *_batch(corpus, tokenizer, seed, used.updates)).mean()
            step(optimizer, loss, _rate(used.updates, done))
            used.updates += 1
            used.loss = loss.item()
            used.seconds += time.monotonic() - began
            report(used, done)
            if time.monotonic() - saved > 60:
                save_state(model, optimizer, used, state)
                saved = time.monotonic()
    finally:
        save_state(model, optimizer, used, state)
    model.eval()
    return used


@torch.no_grad()
def held_out(
    model: MusicgenForConditionalGeneration, tokenizer: T5Tokenizer, corpus: Corpus, frames: int = 480
) -> list[float]:
    """Cross entropy per codebook, in nats, on the first ``frames`` of every clip of ``corpus``."""
    model.eval()
    totals = []
    for first in range(0, len(corpus.captions), 6):
        text = tokenizer(corpus.captions[first : first + 6], padding=True, return_tensors="pt")
        codes = corpus.codes[first : first + 6, :, :frames].long()
        totals.append(losses(model, text.input_ids, text.attention_mask, codes) * len(codes))
    return [float(v) for v in torch.stack(totals).sum(0) / len(corpus.captions)]


def _optimizer(model: MusicgenForConditionalGeneration) -> torch.optim.Optimizer:
    """AdamW as in audiocraft's configuration; norms and biases are not decayed."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": 0.05},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95))


def _rate(updates: int, done: float) -> float:
    """Learning rate: a rise over 100 updates or a twentieth of the training, then a cosine to 2 % of the peak."""
    warm = min(1.0, max((updates + 1) / 100, done / 0.05))
    return PEAK_RATE * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def step(optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> None:
    """One update at learning rate ``rate`` (times a group's ``scale``), gradients clipped at norm 1."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()


def _batch(
    corpus: Corpus, tokenizer: T5Tokenizer, seed: int, number: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Batch ``number``: text ids, text mask with dropped rows, and codes."""
    rng = ItemRng(seed, number, "pocket").generator("batch")
    frames, rows = SHAPES[number % len(SHAPES)]
    frames = min(frames, corpus.codes.shape[2])
    clips = rng.integers(0, len(corpus.captions), rows)
    starts = rng.integers(0, corpus.codes.shape[2] - frames + 1, rows)
    codes = torch.stack([corpus.codes[c, :, s : s + frames] for c, s in zip(clips, starts, strict=True)]).long()
    text = tokenizer([_vary(corpus.captions[c], rng) for c in clips], padding=True, return_tensors="pt")
    kept = torch.from_numpy(rng.random(rows) >= TEXT_DROPOUT).long()
    return text.input_ids, text.attention_mask * kept[:, None], codes


def _vary(caption: str, rng: np.random.Generator) -> str:
    """The caption with some of its later parts left out, so that short prompts are known too."""
    head, *rest = caption.split(", ")
    return ", ".join([head, *(part for part in rest if rng.random() < 0.8)])


def save_state(model: Any, optimizer: torch.optim.Optimizer, used: Trained, path: Path) -> None:
    """Keep what training goes on from."""
    with atomic_path(path) as temporary:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "used": vars(used)}, temporary)


def restore_state(model: Any, optimizer: torch.optim.Optimizer, path: Path) -> Trained:
    """Load it back, and how far training was; nothing done where there is none."""
    if not path.exists():
        return Trained()
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    return Trained(**stored["used"])
