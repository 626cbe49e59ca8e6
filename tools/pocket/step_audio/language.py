"""Pretraining of the pocket's language model on prompts with clones and edits.

Shape legend: B rows, T ids, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from tools.pocket.pretraining import PretrainPlan, Report, Trained
from tools.pocket.step_audio.samples import Samples, TrainingLine, batch, collate
from tools.pocket.step_audio.training import train
from tunesmith.families.step_audio.config import Step1Config, TokenIds
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM

ROWS = 16
PEAK_RATE = 3e-3
SIZES = {"hidden_size": 144, "num_hidden_layers": 4, "num_attention_heads": 6, "num_attention_groups": 2,
         "intermediate_size": 384}  # fmt: skip


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
    model: Step1ForCausalLM, samples: Samples, plan: PretrainPlan, *, seed: int, state: Path,
    report: Report,
) -> Trained:  # fmt: skip
    """Train it by :func:`train`; every batch is drawn from the seed and its own number."""
    return train(
        model, plan, lambda number: mean_loss(model, *batch(samples, ROWS, seed, number)), peak=PEAK_RATE,
        state=state, report=report,
    )  # fmt: skip


def mean_loss(model: Step1ForCausalLM, ids_BT: torch.Tensor, weights_BT: torch.Tensor) -> torch.Tensor:
    """Weighted mean cross entropy of the ids after the first, in nats."""
    wanted, weights = ids_BT[:, 1:], weights_BT[:, 1:]
    chosen = weights > 0
    losses = F.cross_entropy(model.lm_head(model.hidden(ids_BT[:, :-1])[chosen]), wanted[chosen], reduction="none")
    return (losses * weights[chosen]).sum() / weights.sum()


@torch.no_grad()
def held_out(model: Step1ForCausalLM, samples: list[TrainingLine], rows: int = 16) -> tuple[float, float]:
    """Cross entropy in nats and share of likeliest ids that are right, over the answers alone."""
    losses, right = [], []
    for ids, weights in _batches(samples, rows):
        answers = weights[:, 1:] == 1.0
        logits, wanted = model.lm_head(model.hidden(ids[:, :-1])[answers]), ids[:, 1:][answers]
        losses.append(F.cross_entropy(logits, wanted, reduction="none"))
        right.append((logits.argmax(dim=-1) == wanted).float())
    return float(torch.cat(losses).mean()), float(torch.cat(right).mean())


def _batches(samples: list[TrainingLine], rows: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for first in range(0, len(samples), rows):
        yield collate(samples[first : first + rows])
