"""The nearest centroid against the reference's."""

from __future__ import annotations

import torch

from tests.golden_files import golden_tensors
from tunesmith.families.step_audio.parts.kmeans import nearest


def test_golden_nearest_centroids():
    tensors, _ = golden_tensors("step_audio/small_ops")
    codes = nearest(tensors["kmeans_feats"], tensors["kmeans_means"])
    assert torch.equal(codes, tensors["kmeans_ids"])
