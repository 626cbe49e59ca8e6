"""A small flow with random weights, and tokens for it."""

from __future__ import annotations

import torch

from tunesmith.families.step_audio.config import EstimatorConfig, FlowConfig, FlowEncoderConfig
from tunesmith.families.step_audio.parts.flow import Flow

TINY = FlowConfig(
    input_size=24,
    output_size=10,
    spk_embed_dim=6,
    vocab_size=40,
    encoder=FlowEncoderConfig(
        input_size=24, output_size=24, num_blocks=2, num_up_blocks=1, attention_heads=3, linear_units=32
    ),
    estimator=EstimatorConfig(
        in_channels=40, out_channels=10, mlp_ratio=3.0, depth=2, num_heads=2, head_dim=8, hidden_size=20
    ),
)


def random_flow(config: FlowConfig = TINY) -> Flow:
    """Every weight random, also those that a new network starts at zero; in eval mode."""
    torch.manual_seed(5)
    flow = Flow(config)
    with torch.no_grad():
        for parameter in flow.parameters():
            if parameter.dim() < 2 or not parameter.any():
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return flow.eval()


def random_tokens(lengths: tuple[int, ...], config: FlowConfig = TINY) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (B, T, 2), random past their lengths too, with the lengths."""
    random = torch.Generator().manual_seed(11)
    tokens = torch.randint(config.vocab_size, (len(lengths), max(lengths), 2), generator=random)
    return tokens, torch.tensor(lengths)
