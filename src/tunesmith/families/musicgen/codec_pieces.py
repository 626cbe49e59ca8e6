"""EnCodec over long audio, piece by piece, with what it would give for the whole.

Its convolutions look both ways, but not far (50 ms in MusicGen's codec): every piece gets that much real audio on
either side. Its LSTM looks back to the beginning: the state in which it leaves a piece is the one in which it enters
the next. Its last convolution looks a few frames ahead, so it runs that much behind.

Shapes: C channels (each goes through the mono codec), T frames, D width of a frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from tunesmith.audio.stream import SoundStream, at_rate


def is_divisible(codec: Any) -> bool:
    """Whether a codec can be run in pieces: nothing in it is levelled over the length of the audio.

    MusicGen's own is; EnCodec's sibling for 48 kHz is not.
    """
    return bool(codec.config.norm_type == "weight_norm" and not codec.config.normalize)


class PieceEncoder:
    """One pass of a codec's encoder over one sound.

    Args:
        codec: A transformers ``EncodecModel`` for which :func:`is_divisible` holds.
        hop: Samples per frame.
    """

    def __init__(self, codec: Any, hop: int) -> None:
        layers = list(codec.encoder.layers)
        at = next(index for index, layer in enumerate(layers) if hasattr(layer, "lstm"))
        self._before, self._lstm, self._after = layers[:at], layers[at].lstm, layers[at + 1 :]
        self._hop, self._device = hop, next(codec.parameters()).device
        self._context = -(-reach(self._before) // hop)
        self._ahead = reach(self._after)
        self._state: tuple[torch.Tensor, torch.Tensor] | None = None
        self._waiting: torch.Tensor | None = None

    def embeddings(self, sound: SoundStream, frames: int) -> Iterator[torch.Tensor]:
        """What the quantiser sees of a sound, in parts (C, D, T) one behind the other.

        Args:
            sound: (C, samples) at the codec's rate.
            frames: Length of a piece, at least twice what the last convolution looks ahead.
        """
        windows = sound.windows(frames * self._hop, self._context * self._hop)
        for window_CN, piece in windows:
            local_CDT = _through(self._before, torch.from_numpy(window_CN.copy())[:, None].to(self._device))
            remembered_CDT = self._remembered(local_CDT[..., at_rate(piece, 1, self._hop)])
            yield self._behind(remembered_CDT, is_last=piece.stop is None)

    def _remembered(self, x_CDT: torch.Tensor) -> torch.Tensor:
        """The frames behind the LSTM, which goes on where it stopped."""
        x_TCD = x_CDT.permute(2, 0, 1)
        out_TCD, self._state = self._lstm(x_TCD, self._state)
        joined_TCD: torch.Tensor = out_TCD + x_TCD
        return joined_TCD.permute(1, 2, 0)

    def _behind(self, x_CDT: torch.Tensor, *, is_last: bool) -> torch.Tensor:
        """Embeddings of all frames whose neighbours are known by now and that have not been given."""
        given = 0
        if self._waiting is not None:  # as many that are there for what follows alone, then those that waited for it
            given, x_CDT = self._ahead, torch.cat([self._waiting, x_CDT], dim=-1)
        length = x_CDT.shape[-1]
        self._waiting = x_CDT[..., length - 2 * self._ahead :]
        return _through(self._after, x_CDT)[..., given : length if is_last else length - self._ahead]


def reach(layers: Sequence[nn.Module]) -> int:
    """How far some of EnCodec's layers look to either side, at most, in their input's own steps."""
    steps, stride = 0, 1
    for module in nn.ModuleList(layers).modules():
        if isinstance(module, nn.Conv1d):
            steps += (module.kernel_size[0] - 1) * module.dilation[0] * stride
            stride *= module.stride[0]
    return steps


def _through(layers: Sequence[nn.Module], x: torch.Tensor) -> torch.Tensor:
    for layer in layers:
        x = layer(x)
    return x
