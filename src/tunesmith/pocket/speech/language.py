"""Pretraining of the pocket's language model on prompts with clones and edits.

Shape legend: B rows, T ids, V vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import Step1Config, TokenIds
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.files import atomic_path
from tunesmith.pocket.pretrain import Plan, Trained, step
from tunesmith.pocket.speech.samples import Sample, Samples, batch, collate
from tunesmith.training.ema import Ema

ROWS = 16
PEAK_RATE = 3e-3
AVERAGE = 0.999
SIZES = {"hidden_size": 144, "num_hidden_layers": 4, "num_attention_heads": 6, "num_attention_groups": 2,
         "intermediate_size": 384}  # fmt: skip
SAVE_SECONDS = 120.0


def language_config(ids: TokenIds) -> Step1Config:
    """Sizes of the pocket's LLM."""
    return Step1Config(**SIZES, vocab_size=ids.audio_end, bos_token_id=ids.bos, eos_token_id=ids.eot)


def make_language_model(ids: TokenIds, seed: int) -> Step1ForCausalLM:
    """A new model whose layers keep the variance of what they read, and add little to it at first."""
    torch.manual_seed(seed)
    model = Step1ForCausalLM(language_config(ids))
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            quiet = 0.35 if name.endswith(("o_proj", "down_proj")) else 1.0
            nn.init.normal_(module.weight, std=quiet * module.in_features**-0.5)
    nn.init.normal_(model.model.embed_tokens.weight, std=0.5)
    nn.init.normal_(model.lm_head.weight, std=0.02)
    return model


def pretrain_language_model(
    model: Step1ForCausalLM, samples: Samples, plan: Plan, *, seed: int, state: Path,
    report: Callable[[Trained, float], None],
) -> Trained:  # fmt: skip
    """Train it; it ends as the moving average of what it was.

    The state is saved every two minutes and on interruption, and taken up again; every batch is drawn from the seed
    and its own number, so that a resumed run sees the same ones.
    """
    return train(
        model, plan, lambda number: mean_loss(model, *batch(samples, ROWS, seed, number)), peak=PEAK_RATE,
        state=state, report=report,
    )  # fmt: skip


def train(
    model: nn.Module, plan: Plan, loss_of: Callable[[int], torch.Tensor], *, peak: float, state: Path,
    report: Callable[[Trained, float], None],
) -> Trained:  # fmt: skip
    """Minimise the loss of one numbered batch after another; of both networks of the pocket."""
    model.requires_grad_(True).train()
    optimizer = _optimizer(model, peak)
    average = Ema(dict(model.named_parameters()), AVERAGE)
    used = _restore(model, optimizer, average, state)
    saved = time.monotonic()
    try:
        while (done := plan.fraction(used.updates, used.seconds)) < 1.0:
            began = time.monotonic()
            loss = loss_of(used.updates)
            step(optimizer, loss, _rate(peak, used.updates, done))
            used.updates += 1
            average.update(used.updates)
            used.loss = loss.item()
            used.seconds += time.monotonic() - began
            report(used, done)
            if time.monotonic() - saved > SAVE_SECONDS:
                _save(model, optimizer, average, used, state)
                saved = time.monotonic()
    finally:
        _save(model, optimizer, average, used, state)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(average.shadow[name])
    model.requires_grad_(False).eval()
    return used


def mean_loss(model: Step1ForCausalLM, ids_BT: torch.Tensor, weights_BT: torch.Tensor) -> torch.Tensor:
    """Weighted mean cross entropy of the ids after the first, in nats."""
    wanted, weights = ids_BT[:, 1:], weights_BT[:, 1:]
    chosen = weights > 0
    losses = F.cross_entropy(model.lm_head(model.hidden(ids_BT[:, :-1])[chosen]), wanted[chosen], reduction="none")
    return (losses * weights[chosen]).sum() / weights.sum()


@torch.no_grad()
def held_out(model: Step1ForCausalLM, samples: list[Sample], rows: int = 16) -> tuple[float, float]:
    """Cross entropy in nats and share of likeliest ids that are right, over the answers alone."""
    losses, right = [], []
    for ids, weights in _batches(samples, rows):
        answers = weights[:, 1:] == 1.0
        logits, wanted = model.lm_head(model.hidden(ids[:, :-1])[answers]), ids[:, 1:][answers]
        losses.append(F.cross_entropy(logits, wanted, reduction="none"))
        right.append((logits.argmax(dim=-1) == wanted).float())
    return float(torch.cat(losses).mean()), float(torch.cat(right).mean())


def _batches(samples: list[Sample], rows: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for first in range(0, len(samples), rows):
        yield collate(samples[first : first + rows])


def _optimizer(model: nn.Module, peak: float) -> torch.optim.Optimizer:
    """AdamW; norms, biases and tables of codes are not decayed."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if p.dim() <= 1 or "embed" in name]
    chosen = {id(p) for p in plain}
    groups = [
        {"params": [p for _, p in named if id(p) not in chosen], "weight_decay": 0.05},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.95))


def _rate(peak: float, updates: int, done: float) -> float:
    """A rise over 200 updates or a twentieth of the training, then a straight fall to 2 % of the peak."""
    warm = min(1.0, max((updates + 1) / 200, done / 0.05))
    return peak * warm * (0.02 + 0.98 * (1 - done))


def _save(model: nn.Module, optimizer: torch.optim.Optimizer, average: Ema, used: Trained, path: Path) -> None:
    stored: dict[str, Any] = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    with atomic_path(path) as temporary:
        torch.save({**stored, "average": average.shadow, "used": vars(used)}, temporary)


def _restore(model: nn.Module, optimizer: torch.optim.Optimizer, average: Ema, path: Path) -> Trained:
    if not path.exists():
        return Trained()
    stored = torch.load(path, weights_only=True)
    model.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    average.shadow = stored["average"]
    average.parameters = dict(model.named_parameters())
    return Trained(**stored["used"])
