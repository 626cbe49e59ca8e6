"""Products with frozen weights: by oneDNN where torch's own product, MKL's, is the slower one.

On an AMD CPU with AVX-512, MKL reaches 0.8 to 0.9 of what oneDNN does in fp32 (`benchmarks/frozen_products.py`). torch
asks oneDNN for fp32 only where it may round to less than fp32, hence the call by its operator's name.

Shapes: N rows, I inputs, O outputs.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch
from torch.nn import functional as F

LEAST_WEIGHTS = 2**16
"""In smaller matrices the call costs more than it gains."""


@cache
def cpu_prefers_onednn() -> bool:
    """Whether this CPU is one where oneDNN multiplies fp32 faster; the same answer in every run on this machine."""
    able = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return able and torch.backends.cpu.get_cpu_capability() == "AVX512" and "AuthenticAMD" in _vendor()


def by_onednn(weight_OI: torch.Tensor) -> bool:
    """Whether products with this weight go to oneDNN."""
    is_fp32 = weight_OI.dtype == torch.float32 and weight_OI.device.type == "cpu"
    return is_fp32 and weight_OI.numel() >= LEAST_WEIGHTS and cpu_prefers_onednn()


def product(
    rows_NI: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None, *, onednn: bool
) -> torch.Tensor:
    """Rows times the transposed weight, plus the bias: (N, O); outside of autograd."""
    if not onednn:
        return F.linear(rows_NI, weight_OI, bias_O)
    made: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows_NI, weight_OI, bias_O, "none", [], "")
    return made


def _vendor() -> str:
    """What names the CPU's maker: the kernel's list, or on Windows the processor's own name."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")[:4096]
    except OSError:
        return platform.processor()
