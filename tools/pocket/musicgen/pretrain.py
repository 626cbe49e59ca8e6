"""Pretraining of the pocket MusicGen: delayed codebooks, cross entropy, random crops, text dropout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tools.pocket.musicgen.corpus import Corpus
from tools.pocket.pretraining import PretrainPlan, Rate, Report, Trained, adamw, train
from tunesmith.data.item_rng import ItemRng

if TYPE_CHECKING:
    from transformers import MusicgenForConditionalGeneration, T5Tokenizer

SHAPES = ((320, 6), (480, 4), (656, 3))  # (frames, clips) of a batch: long crops too, or late positions stay unknown
RATE = Rate(peak=2e-3, floor=0.02, rise=100)
TEXT_DROPOUT = 0.15


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
    report: Report,
) -> Trained:
    """Train text encoder and decoder by :func:`train`.

    Args:
        model: Trained in place; its codec stays as it is.
        tokenizer: For the captions of ``corpus``.
        corpus: Codes of 656 frames or more, else the crops are shorter.
        plan: How long.
        seed: Every batch is drawn from it and from its own number.
        state: Where to keep the unfinished training.
        report: Called after each update.
    """
    model.audio_encoder.requires_grad_(False)
    optimizer = adamw(model, RATE.peak, decay=0.05)  # as in audiocraft's configuration
    model.train()
    model.audio_encoder.eval()
    used = train(
        model, optimizer, plan, RATE, lambda number: losses(model, *_batch(corpus, tokenizer, seed, number)).mean(),
        state=state, report=report,
    )  # fmt: skip
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
