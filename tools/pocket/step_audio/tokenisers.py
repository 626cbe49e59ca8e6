"""Fits the small front ends: two k-means codebooks, and the statistics of the speaker vector.

Shape legend: P points, D of each, K centroids.
"""

from __future__ import annotations

import torch

from tools.pocket.progress import Advance
from tools.pocket.step_audio.corpus import FIT_CLIPS, Tensors, all_spoken
from tunesmith.families.step_audio.small import SmallConfig
from tunesmith.families.step_audio.small.codes import VQ02, VQ06, features, padded_mel
from tunesmith.families.step_audio.small.speaker import DEVIATION, MEAN, PROJECTION, statistics

VQ02_CODES, VQ06_CODES = 48, 192
SPEAKER_SIZE = 192
ROUNDS = 25
POINTS = 40_000


def fit_frontend(config: SmallConfig, seed: int, advance: Advance, clips: int = FIT_CLIPS) -> Tensors:
    """Tensors of ``small_frontend.safetensors``, fitted to the first ``clips`` of the corpus with their edits."""
    mels = []
    for number, pair in enumerate(all_spoken(0, clips, seed)):
        mels += [padded_mel(pair.plain, config), padded_mel(pair.other, config)]
        advance(0.5 * number / clips, f"{number} sentences")
    generator = torch.Generator().manual_seed(seed)
    pairs = [features(mel, config) for mel in mels]
    voices = torch.stack([statistics(mel, config) for mel in mels])
    linguistic = k_means(torch.cat([pair[0] for pair in pairs]), VQ02_CODES, generator)
    advance(0.7, "codes of vq02")
    semantic = k_means(torch.cat([pair[1] for pair in pairs]), VQ06_CODES, generator)
    advance(1.0, "codes of vq06")
    width = voices.shape[1]
    made = {
        VQ02: linguistic,
        VQ06: semantic,
        MEAN: voices.mean(dim=0),
        DEVIATION: voices.std(dim=0) + 1e-3,
        PROJECTION: torch.randn(width, SPEAKER_SIZE, generator=generator) / width**0.5,
    }
    return {name: tensor.half().float().contiguous() for name, tensor in made.items()}  # as they are stored


def k_means(points_PD: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Centroids (K, D) by Lloyd's rounds from distinct random points; an empty one moves to a far point."""
    order = torch.randperm(len(points_PD), generator=generator)
    points = points_PD[order[:POINTS]]
    centroids = points[:count].clone()
    for _ in range(ROUNDS):
        distances, nearest = torch.cdist(points, centroids).min(dim=1)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=count)
        centroids = sums / counts.clamp(min=1)[:, None]
        empty = torch.nonzero(counts == 0)[:, 0]
        centroids[empty] = points[distances.topk(len(empty)).indices]
    return centroids
