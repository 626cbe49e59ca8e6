"""The DCAE's encoder over music of any length, piece by piece, with what it gives for the whole.

Its convolutions look at a few frames to either side, which every piece gets. Its attention is linear and looks at the
whole clip, but only through sums over time: one pass over the pieces adds them up, a second one applies them, so the
frames that went into every attending layer are kept in a temporary file (0.7 MB per second of music at the published
size). No overlap of independent windows would do: the sums of a window are other sums.

Source: Chen et al., "Deep Compression Autoencoder" (2024); the attention is EfficientViT's (Cai et al. 2023).
Shapes: C channels, H height, T frames, G groups of heads over all scales, E head width.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.audio.stream import SoundStream, at_rate
from tunesmith.families.ace_step.parts.dcae import Windowed


@dataclass
class EncoderSection:
    """Layers that one pass runs: an attending one, unless it is the first section, and the local ones behind it.

    Attributes:
        attention: A diffusers ``SanaMultiscaleLinearAttention``.
        layers: What looks no further than its convolutions do.
    """

    attention: Any = None
    layers: list[nn.Module] = field(default_factory=list)

    def run(self, stream: SoundStream, sums: torch.Tensor | None, size: int, device: str) -> Iterator[np.ndarray]:
        """Frames (C', H', T') of a stream of (C, H, T), about ``size`` of the latter at a time."""
        local, stride = reach([*([] if self.attention is None else [self.attention]), *self.layers])
        whole = max(1, size // stride) * stride
        for window, piece in stream.windows(whole, -(-local // stride) * stride):
            x_BCHT = _to_device(window, device)
            if sums is not None:
                x_BCHT = attend(self.attention, x_BCHT, sums)
            for layer in self.layers:
                x_BCHT = layer(x_BCHT)
            yield x_BCHT[0, ..., at_rate(piece, 1, stride)].cpu().numpy()


class FrameStore:
    """Frames on disk, written and read in order of time; a context manager, at whose end they are gone."""

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed on the way out
        self._shape: tuple[int, ...] = ()
        try:
            for block in frames:
                by_time = np.ascontiguousarray(np.moveaxis(block, -1, 0), np.float32)
                self._shape = by_time.shape[1:]
                self._file.write(by_time.data)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> FrameStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def stream(self, size: int) -> SoundStream:
        """All frames (..., T) from the first one on, read ``size`` at a time."""
        return SoundStream(self._blocks(size))

    def _blocks(self, size: int) -> Iterator[np.ndarray]:
        self._file.seek(0)
        frame_bytes = 4 * int(np.prod(self._shape))
        while content := self._file.read(size * frame_bytes):
            yield np.moveaxis(np.frombuffer(content, np.float32).reshape(-1, *self._shape), 0, -1)


@torch.no_grad()
def encode_pieces(encoder: Any, mel: SoundStream, size: int, device: str) -> torch.Tensor:
    """Raw latents (1, K, H, T) of a normalised mel (C, M, F), on the CPU.

    Args:
        encoder: As :func:`~tunesmith.families.ace_step.parts.dcae.load_dcae` gives it.
        mel: F is a multiple of the encoder's stride.
        size: Mel frames of a piece.
        device: Where the encoder is.
    """
    first, *others = sections(encoder)
    frames = first.run(mel, None, size, device)
    with ExitStack() as kept:
        for before, section in pairwise([first, *others]):
            size //= reach(before.layers)[1]
            store = FrameStore(frames)
            kept.close()  # of what these frames were made of
            kept.enter_context(store)
            sums = attention_sums(section.attention, store.stream(size), size, device)
            frames = section.run(store.stream(size), sums, size, device)
        return torch.from_numpy(np.concatenate(list(frames), axis=-1))[None]


def sections(encoder: Any) -> list[EncoderSection]:
    """The encoder's layers, cut before every one that attends."""
    conv_in = encoder.conv_in.net if isinstance(encoder.conv_in, Windowed) else encoder.conv_in
    found = [EncoderSection(layers=[conv_in])]
    for layer in (layer for level in encoder.down_blocks for layer in level):
        if hasattr(layer, "attn"):
            found.append(EncoderSection(layer.attn, [layer.conv_out]))
        else:
            found[-1].layers.append(layer)
    found[-1].layers.append(Output(encoder))
    return found


class Output(nn.Module):
    """The encoder's last convolution, with the mean over groups of channels beside it."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.conv_out = encoder.conv_out
        self.group = encoder.out_shortcut_average_group_size if encoder.out_shortcut else 0

    def forward(self, x_BCHT: torch.Tensor) -> torch.Tensor:
        """(B, K, H, T)."""
        out: torch.Tensor = self.conv_out(x_BCHT)
        return out + x_BCHT.unflatten(1, (-1, self.group)).mean(dim=2) if self.group else out


def reach(layers: Iterable[nn.Module]) -> tuple[int, int]:
    """How far layers look to either side along time, at most, in frames of their input; and those per output frame."""
    frames, stride = 0, 1
    module: Any
    for layer in layers:
        for module in layer.modules():
            if isinstance(module, nn.Conv2d):
                frames += module.kernel_size[1] // 2 * stride
            elif type(module).__name__ == "DCDownBlock2d":  # comes before the convolution in it
                stride *= module.factor
    return frames, stride


def attention_sums(attention: Any, stream: SoundStream, size: int, device: str) -> torch.Tensor:
    """What linear attention knows of all frames: values, and a one, by keys, (1, G, E + 1, E) float32."""
    total: torch.Tensor | None = None
    for window, piece in stream.windows(size, reach([attention])[0]):
        _, key, value = _queries_keys_values(attention, _to_device(window, device))
        sums = F.pad(value, (0, 0, 0, 0, 0, 1), value=1.0)[..., piece].flatten(3) @ key[..., piece].flatten(3).mT
        total = sums.double() if total is None else total + sums
    assert total is not None
    return total.float()


def attend(attention: Any, x_BCHT: torch.Tensor, sums_BGEE: torch.Tensor) -> torch.Tensor:
    """One attending layer (B, C, H, T) on some frames, with the sums over all of them."""
    query, _, _ = _queries_keys_values(attention, x_BCHT)
    mixed = sums_BGEE @ query.flatten(3)
    mixed = mixed[:, :, :-1] / (mixed[:, :, -1:] + attention.eps)
    rows = attention.to_out(mixed.unflatten(-1, x_BCHT.shape[-2:]).flatten(1, 2).movedim(1, -1).to(x_BCHT.dtype))
    out: torch.Tensor = attention.norm_out(rows).movedim(-1, 1)
    return out + x_BCHT


def _queries_keys_values(attention: Any, x_BCHT: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Each (B, G, E, H, T) float32, of the frames themselves and of those of every further scale."""
    rows = x_BCHT.movedim(1, -1)
    plain = torch.cat([attention.to_q(rows), attention.to_k(rows), attention.to_v(rows)], dim=-1).movedim(-1, 1)
    scales = torch.cat([plain, *(scale(plain) for scale in attention.to_qkv_multiscale)], dim=1).float()
    query, key, value = scales.unflatten(1, (-1, 3 * attention.attention_head_dim)).chunk(3, dim=2)
    return attention.nonlinearity(query), attention.nonlinearity(key), value


def _to_device(window_CHT: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(window_CHT)).to(device)[None]
