"""The two halves of diffusers' ``AutoencoderDC``, each loaded alone, and an encoder whose memory stays bounded.

Source: Chen et al., "Deep Compression Autoencoder" (2024). Shapes: B clips, C channels, H height, F mel frames.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tunesmith.families.component import DIFFUSERS_WEIGHTS, build, read_tensors

WINDOW_FRAMES = 2048
"""Mel frames that the encoder's convolutional levels see at once (24 s), besides their context."""


class Windowed(nn.Module):
    """Runs a local network in windows along the last axis, each with all the context that its outputs depend on.

    What comes out equals the undivided result but for rounding, and the large feature maps exist for one window only.

    Args:
        net: Halves the last axis ``log2(stride)`` times and looks no further than ``context`` to either side.
        stride: Input frames per output frame; divides :data:`WINDOW_FRAMES`.
        context: Input frames to either side that an output may depend on.
    """

    def __init__(self, net: nn.Module, stride: int, context: int) -> None:
        super().__init__()
        self.net, self.stride = net, stride
        self.context = -(-context // stride) * stride

    def forward(self, x_BCHF: torch.Tensor) -> torch.Tensor:
        """(B, C, H, F) to (B, C', H / stride, F / stride); F is a multiple of the stride."""
        frames, parts = x_BCHF.shape[-1], []
        for start in range(0, frames, WINDOW_FRAMES):
            end = min(frames, start + WINDOW_FRAMES)
            first = max(0, start - self.context)
            out = self.net(x_BCHF[..., first : end + self.context])
            parts.append(out[..., (start - first) // self.stride : (end - first) // self.stride])
        return torch.cat(parts, dim=-1)


def make_dcae(config: dict[str, Any]) -> Any:
    """The whole autoencoder of a ``music_dcae_f8c8/config.json``, with its constructor's random weights."""
    from diffusers import AutoencoderDC

    return AutoencoderDC(**{key: value for key, value in config.items() if not key.startswith("_")})


def load_dcae(folder: Path, config: dict[str, Any], half: Literal["encoder", "decoder"]) -> nn.Module:
    """One half of the autoencoder in a ``music_dcae_f8c8`` folder, frozen, fp32, on the CPU.

    The encoder's leading levels of plain convolutions are made :class:`Windowed`, or they would take 27 MB per second
    of music at the published size. Its attending levels see all that they are given, as they did in training (16 MB
    per second); of longer music :func:`~tunesmith.families.ace_step.parts.long_dcae.encode_pieces` gives them pieces.

    Raises:
        TunesmithError: when the weights are missing or do not fit.
    """
    file = folder / DIFFUSERS_WEIGHTS
    loaded = build(lambda: getattr(make_dcae(config), half), read_tensors(file, f"{half}."), file)
    return _windowed(loaded, config) if half == "encoder" else loaded


def _windowed(encoder: Any, config: dict[str, Any]) -> nn.Module:
    layers = list(takewhile(bool, _convolutional_layers(config)))[: len(encoder.down_blocks) - 1]
    if layers:
        local = nn.Sequential(encoder.conv_in, *encoder.down_blocks[: len(layers)])
        # One frame for conv_in; per level, two 3-wide convolutions a block and one that halves.
        context = 1 + sum((2 * count + 1) * 2**level for level, count in enumerate(layers))
        encoder.conv_in = Windowed(local, 2 ** len(layers), context)
        encoder.down_blocks = encoder.down_blocks[len(layers) :]
    windowed: nn.Module = encoder
    return windowed


def _convolutional_layers(config: dict[str, Any]) -> list[int]:
    """Residual blocks of each level of the encoder, 0 for a level that attends."""
    counts, kinds = config["encoder_layers_per_block"], config["encoder_block_types"]
    kinds = [kinds] * len(counts) if isinstance(kinds, str) else kinds
    return [count if kind == "ResBlock" else 0 for count, kind in zip(counts, kinds, strict=True)]
