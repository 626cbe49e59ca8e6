"""What a step costs at least: FLOPs, bytes and launches at published sizes, and the speeds of an H200.

Source: the project's own count of operations on the models' shapes (torch's FlopCounterMode, saved-tensor hooks), and
an H200's measured rates: a bf16 GEMM of 8192 reaches 790 TFLOP/s, copying moves 4.3 TB/s.

- A LoRA step takes 2.05 times the forward pass: the gradient of what goes in costs as much as it, and frozen weights
  need none of their own (2.02 to 2.04 at ranks of 16 to 64, and the adapter).
- Useful FLOPs leave recomputing out: MFU = (forward + backward) / (seconds of a step x rate).
- Bytes: the weights are read twice, and what is saved for the backward pass is written, read and moved once more.
- A step without a compiler launches its kernels one by one, some 5 microseconds each, however small they are.
- The floor is the larger of arithmetic and bytes; launches come on top where nothing is compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

H200_FLOPS, H200_BYTES = 790e12, 4.3e12
STEP_OVER_FORWARD = 2.05
WEIGHT_READS, ACTIVATION_MOVES = 2, 3
LAUNCHES = {"MusicGen": 44e-3, "ACE-Step": 38e-3, "EditX LLM": 45e-3}
"""Seconds of a step's launches at full depth: 7,617 operations for ACE-Step (counted), the others estimated."""


@dataclass(frozen=True)
class Floor:
    """The least seconds of a step, by what bounds it."""

    flops: float
    compute: float
    memory: float
    launch: float

    @property
    def seconds(self) -> float:
        """The larger of arithmetic and bytes."""
        return max(self.compute, self.memory)


def music_forward(config: Any, frames: int, text: int) -> float:
    """FLOPs of MusicGen's decoder on one clip: T frames, L caption tokens, D width.

    A layer has 4 D^2 of self-attention, 2 D^2 of cross-attention on every frame and 2 D^2 on every caption token, the
    feed-forward, T^2 and T L scores; then a head per codebook.
    """
    d, t = config.hidden_size, frames
    layer = 2 * t * (6 * d * d + 2 * d * config.ffn_dim) + 2 * text * 2 * d * d + 4 * t * t * d + 4 * t * text * d
    return float(config.layers * layer + 2 * t * config.num_codebooks * config.vocab_size * d)


def song_forward(config: Any, frames: int, conditions: int) -> float:
    """FLOPs of ACE-Step's transformer on one clip: T frames, L conditions (voice, text and lyrics), D width.

    A layer has 6 D^2 of projections and three products of a gated feed-forward 2.5 D wide on every frame, 4 D^2 on
    every condition, linear attention within the frames (516 T D) and T L scores of cross-attention. The count agrees
    to 0.3 %.
    """
    d, t = config.inner_dim, frames
    inner = int(d * config.mlp_ratio)
    layer = 2 * t * (6 * d * d + 3 * inner * d + 6 * inner) + 4 * conditions * d * d + 516 * t * d
    return float(config.num_layers * (layer + 4 * t * conditions * d))


def speech_forward(config: Any, ids: int, targets: int) -> float:
    """FLOPs of EditX's LLM on one sequence; the output layer reads the answer's places alone."""
    d, kv = config.hidden_size, config.num_attention_groups * config.head_dim
    matrices = 2 * d * d + 2 * d * kv + 3 * d * config.intermediate_size
    layers = config.num_hidden_layers * (2 * ids * matrices + 4 * ids * ids * d)
    return float(layers + 2 * targets * config.vocab_size * d)


def peak_flops(device: str, measured: float) -> float:
    """The rate that utilisation is a share of: an H200's, and of any other device the one just measured."""
    return H200_FLOPS if device == "cuda" and "H200" in torch.cuda.get_device_name() else measured


def floor(name: str, forward: float, memory: dict[str, float], rate: float) -> Floor:
    """The floor of a LoRA step.

    Args:
        name: The case's.
        forward: FLOPs of the forward pass, all clips together.
        memory: The planner's bytes by part.
        rate: FLOP/s of the device.
    """
    flops = STEP_OVER_FORWARD * forward
    moved = WEIGHT_READS * memory["weights"] + ACTIVATION_MOVES * memory["activations"]
    return Floor(flops, flops / rate, moved / H200_BYTES, LAUNCHES[name])
