"""Attention over few keys in bf16 on a CPU: the fused kernel's numbers as near as bf16 resolves, gradients too."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tunesmith.families import short_keys

ROUNDING = 2.0**-8


def read_and_gradients(attend, tensors, mask):
    """What is read, and the gradients of queries, keys and values."""
    leaves = [x.detach().requires_grad_() for x in tensors]
    read = attend(*leaves, mask)
    weights = torch.linspace(-1, 1, read.numel()).reshape(read.shape).to(read.dtype)
    return [read, *torch.autograd.grad(read, leaves, weights)]


def fused(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@pytest.mark.parametrize("masked", [False, True])
def test_it_is_the_fused_kernel_as_near_as_bf16_resolves(masked):
    torch.manual_seed(0)
    tensors = [torch.randn(2, n, 3, 8).bfloat16().transpose(1, 2) for n in (40, 7, 7)]
    mask = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    mask[0, ..., 4:] = False
    assert short_keys.takes(tensors[0], tensors[1])
    found = read_and_gradients(short_keys.attend, tensors, mask if masked else None)
    exact = read_and_gradients(fused, [x.double() for x in tensors], mask if masked else None)
    for one, other in zip(found, exact, strict=True):
        assert one.dtype == torch.bfloat16
        assert (one.double() - other).norm() <= 3 * ROUNDING * other.norm()
    if masked:
        assert not found[2][0, :, 4:].any() and not found[3][0, :, 4:].any()


def test_who_may_read_nothing_reads_zero_and_teaches_nothing():
    torch.manual_seed(0)
    tensors = [torch.randn(1, 2, n, 8).bfloat16() for n in (20, 5, 5)]
    mask = torch.zeros(1, 1, 1, 5, dtype=torch.bool)
    assert not any(x.any() for x in read_and_gradients(short_keys.attend, tensors, mask))


@pytest.mark.parametrize(("kind", "queries", "keys"), [("float32", 40, 7), ("bfloat16", 40, 513), ("bfloat16", 1, 7)])
def test_anything_else_is_the_fused_kernels(kind, queries, keys):
    q, k = (torch.randn(1, 2, n, 8, dtype=getattr(torch, kind)) for n in (queries, keys))
    assert not short_keys.takes(q, k)
    assert torch.equal(short_keys.attend(q, k, k, None), fused(q, k, k, None))
