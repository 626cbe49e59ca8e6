"""An EnCodec whose weights are written, not trained: exact lapped transform, codebooks by k-means.

The strided convolutions of the encoder are set to split the signal into phases and then to apply a modified discrete
cosine transform with a sine window (Princen, Johnson and Bradley 1987); the transposed convolutions undo it by
overlap-add. ELU stays in its linear zone because the signal is scaled down by 1024 in between, and the LSTM is zero,
which its residual turns into the identity. What remains lossy is only the residual vector quantiser, whose books are
fitted by k-means. The result is an ordinary ``EncodecModel`` that ``from_pretrained`` loads.

A clip of N samples becomes ``ceil(N / hop)`` frames, because EncodecModel pads the last one; ``floor(N / hop)`` of
them are entirely signal. Code 0 of every book is the zero vector: silence encodes to zeros and decodes to zeros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tools.pocket.weights import round_to_half

if TYPE_CHECKING:
    from transformers import EncodecModel

SMALL = 2.0**-10  # keeps ELU linear; a power of two, so that it survives half precision


@dataclass(frozen=True)
class CodecShape:
    """The free numbers of the codec.

    Attributes:
        strides: Downsampling of the encoder's stages; the last one carries the transform. Their product is the hop.
        bands: Transform coefficients kept per frame (M); they reach ``bands / hop * sample_rate / 2`` Hz.
        book_size: Entries per codebook, a power of two.
        books: Number of codebooks (K).
        whitening: 0 spends the books on loud coefficients only, 1 on all alike.
    """

    sample_rate: int = 16000
    strides: tuple[int, ...] = (5, 5, 8)
    bands: int = 160
    book_size: int = 256
    books: int = 4
    whitening: float = 0.5

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return math.prod(self.strides)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @property
    def highest_hz(self) -> float:
        """Where the kept coefficients end."""
        return self.bands / self.hop * self.sample_rate / 2


def fit_codec(audio: torch.Tensor, shape: CodecShape, seed: int = 0) -> EncodecModel:
    """A codec for audio like ``audio`` (clips, samples) at ``shape.sample_rate``.

    All values are rounded to what half precision can hold, so a folder stored in float16 encodes to the same codes.
    """
    flat = torch.ones(shape.bands)
    vectors = _embed(write_codec(shape, flat, flat), audio)
    level = vectors.square().mean(0).sqrt().clamp(min=1e-6)
    smooth = torch.nn.functional.avg_pool1d(level[None, None], 5, 1, 2, count_include_pad=False)[0, 0]
    gain = (smooth / smooth.max()) ** -shape.whitening
    weighted = vectors * gain
    books, quantised = _fit_books(weighted, shape, seed)
    # Averages of noise are quieter than the noise: give each coefficient its energy back, or cymbals vanish.
    loss = weighted.square().mean(0).sqrt() / quantised.square().mean(0).sqrt().clamp(min=1e-6)
    model = write_codec(shape, gain, loss.clamp(1.0, 2.5))
    with torch.no_grad():
        layers: Any = model.quantizer.layers
        for layer, book in zip(layers, books, strict=True):
            layer.codebook.embed.copy_(book)
    return round_to_half(model)


def write_codec(shape: CodecShape, gain: torch.Tensor, repair: torch.Tensor) -> EncodecModel:
    """An EncodecModel that transforms exactly; ``gain`` (M,) weights the coefficients, ``repair`` (M,) the decoding."""
    from transformers import EncodecConfig, EncodecModel

    stages = len(shape.strides)
    filters = -(-shape.bands // 2**stages)
    config = EncodecConfig(
        target_bandwidths=[shape.books * math.log2(shape.book_size) * math.ceil(shape.frame_rate) / 1000],
        sampling_rate=shape.sample_rate,
        audio_channels=1,
        normalize=False,
        hidden_size=shape.bands,
        codebook_dim=shape.bands,
        codebook_size=shape.book_size,
        num_filters=filters,
        num_residual_layers=0,
        upsampling_ratios=list(reversed(shape.strides)),
        kernel_size=1,
        last_kernel_size=1,
        num_lstm_layers=1,
        use_causal_conv=False,
        norm_type="weight_norm",
    )
    model: EncodecModel = EncodecModel(config).eval()
    basis = lapped_basis(shape.hop, shape.bands)
    down = [m.conv for m in model.encoder.layers if hasattr(m, "conv")]
    up = [m.conv for m in model.decoder.layers if hasattr(m, "conv")]
    phases = [math.prod(shape.strides[:i]) for i in range(stages)]
    _set(down[0], {(0, 0, 0): SMALL})
    _set(up[-1], {(0, 0, 0): 1 / SMALL})
    for stage in range(stages - 1):
        stride, width = shape.strides[stage], phases[stage]
        left = stride - stride // 2  # EncodecConv1d puts this much padding in front
        taps = {(p * width + w, w, left + p): 1.0 for p in range(stride) for w in range(width)}
        _set(down[1 + stage], taps)
        _set(up[-2 - stage], {(o, i, t): v for (o, i, t), v in taps.items()})
    width, frames = phases[-1], 2 * shape.strides[-1]
    ordered = basis.view(shape.bands, frames, width).transpose(1, 2)  # sample = frame * width + phase
    _set(down[stages], ordered * gain[:, None, None])
    _set(up[1], ordered * (repair / gain)[:, None, None])
    diagonal = torch.eye(shape.bands)[:, :, None]
    _set(down[-1], diagonal / SMALL)
    _set(up[0], diagonal * SMALL)
    for module in (*model.encoder.layers, *model.decoder.layers):
        if hasattr(module, "lstm"):
            for parameter in module.parameters():
                torch.nn.init.zeros_(parameter)
    return model


def lapped_basis(hop: int, bands: int) -> torch.Tensor:
    """The first ``bands`` rows of the sine-windowed MDCT, (bands, 2 * hop), orthonormal under overlap-add."""
    time = torch.arange(2 * hop, dtype=torch.float64)
    band = torch.arange(bands, dtype=torch.float64)[:, None]
    window = torch.sin(math.pi * (time + 0.5) / (2 * hop))
    phase = math.pi / hop * (time + 0.5 + hop / 2) * (band + 0.5)
    return (math.sqrt(2 / hop) * window * torch.cos(phase)).float()


def signal_to_noise(original: torch.Tensor, decoded: torch.Tensor) -> float:
    """Mean over clips of the ratio in dB; inputs (clips, samples), compared over their common length."""
    length = min(original.shape[-1], decoded.shape[-1])
    x, y = original[..., :length], decoded[..., :length]
    ratio = x.square().sum(-1) / (x - y).square().sum(-1).clamp(min=1e-12)
    return float((10 * torch.log10(ratio.clamp(min=1e-12))).mean())


def _set(conv: Any, entries: dict[tuple[int, int, int], float] | torch.Tensor) -> None:
    """Write a weight given sparsely or as a block for the first rows and columns, through weight normalisation."""
    parts = conv.parametrizations.weight
    weight = torch.zeros_like(parts.original1)
    if isinstance(entries, dict):
        for index, value in entries.items():
            weight[index] = value
    else:
        weight[: entries.shape[0], : entries.shape[1]] = entries
    norm = weight.flatten(1).norm(dim=1).view(-1, 1, 1)
    with torch.no_grad():
        parts.original0.copy_(norm)
        parts.original1.copy_(torch.where(norm > 0, weight, torch.ones_like(weight)))
        conv.bias.zero_()


@torch.no_grad()
def _embed(model: EncodecModel, audio: torch.Tensor) -> torch.Tensor:
    """All frames of all clips, (frames, bands)."""
    parts = [model.encoder(batch[:, None]).transpose(1, 2).flatten(0, 1) for batch in audio.split(8)]
    return torch.cat(parts)


def _fit_books(vectors: torch.Tensor, shape: CodecShape, seed: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Residual books, each fitted on what the earlier ones left; also the quantised vectors."""
    rngs = torch.Generator().manual_seed(seed)
    rest = vectors[torch.randperm(len(vectors), generator=rngs)[:30000]]
    books = []
    for _ in range(shape.books):
        book = _k_means(rest, shape.book_size, rngs)
        book[0] = 0.0
        books.append(book)
        rest = rest - book[_nearest(rest, book)]
    left = vectors.clone()
    for book in books:
        left = left - book[_nearest(left, book)]
    return books, vectors - left


def _k_means(points: torch.Tensor, size: int, rngs: torch.Generator, rounds: int = 10) -> torch.Tensor:
    """Lloyd's algorithm; an empty cell restarts at a badly served point."""
    centres = points[torch.randperm(len(points), generator=rngs)[:size]].clone()
    for _ in range(rounds):
        owner = _nearest(points, centres)
        count = torch.bincount(owner, minlength=size)
        total = torch.zeros_like(centres).index_add_(0, owner, points)
        centres = torch.where(count[:, None] > 0, total / count[:, None].clamp(min=1), centres)
        empty = (count == 0).nonzero()[:, 0]
        if len(empty):
            error = (points - centres[owner]).square().sum(1) + 1e-9
            centres[empty] = points[torch.multinomial(error, len(empty), generator=rngs)]
    return centres


def _nearest(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    half = centres.square().sum(1) / 2
    return torch.cat([(half - part @ centres.T).argmin(1) for part in points.split(20000)])


def band_levels(audio: np.ndarray, sample_rate: int, edges: tuple[float, ...]) -> list[float]:
    """Energy between neighbouring ``edges`` (Hz) in dB, of a mono signal of any length."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    frequency = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    pairs = pairwise(edges)
    return [float(10 * np.log10(power[(frequency >= low) & (frequency < high)].sum() + 1e-12)) for low, high in pairs]
