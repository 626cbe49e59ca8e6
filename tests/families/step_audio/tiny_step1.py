"""A small Step1 with random weights, and prompts for it."""

from __future__ import annotations

import torch

from tunesmith.families.step_audio.config import Step1Config, TokenIds
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM

# Heads that are no power of two, so that both series of slopes occur; groups of three.
CONFIG = Step1Config(
    hidden_size=48,
    intermediate_size=80,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_attention_groups=2,
    vocab_size=96,
)
IDS = TokenIds(audio_base=40, vq02=16, vq06=32)


def tiny_step1(config: Step1Config = CONFIG, seed: int = 0) -> Step1ForCausalLM:
    """Random weights, larger than a new model's so that what is attended to matters; in eval mode."""
    torch.manual_seed(seed)
    model = Step1ForCausalLM(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(6.0 if weight.ndim == 2 else 1.0)
    return model


def random_ids(*shape: int, seed: int = 0) -> torch.Tensor:
    """Ids of the small vocabulary."""
    return torch.randint(CONFIG.vocab_size, shape, generator=torch.Generator().manual_seed(seed))
