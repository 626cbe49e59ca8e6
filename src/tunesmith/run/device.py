"""Which device to work on."""

from __future__ import annotations

import os
import sys

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def pick_device(wanted: str) -> str:
    """The device named, or the best there is for ``auto``.

    Raises:
        TunesmithError: when the device asked for is not there.
    """
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise TunesmithError(msg("there is no CUDA device"), where="model.device", remedy=msg("Use `auto` or `cpu`."))
    kind, _, number = wanted.partition(":")
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if not (number or "0").isdecimal() or int(number or "0") >= there.get(kind, 0):
        raise TunesmithError(
            msg("there is no device `{device}` here", device=wanted),
            where="model.device",
            remedy=msg("Use `auto`, or one of those that `tunesmith info` names."),
        )
    return wanted


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 itself (AMX or AVX512-BF16); others take many times as long as in fp32."""
    import torch

    # torch has no public question for it in the oldest version that is supported.
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def devices() -> list[str]:
    """The devices torch can use, with their memory."""
    import torch

    found = ["cpu"]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        found.append(f"cuda:{number} {properties.name} ({properties.total_memory / 1e9:.0f} GB)")
    return [*found, "mps"] if torch.backends.mps.is_available() else found


def numpy_on_one_thread() -> None:
    """Let NumPy multiply on one thread, for a whole command that has not imported it yet.

    Sums over several threads are rounded in another order, so that what is measured would depend on the number of cores
    in its last digits; and clips are spread over processes where there are many.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def compute_on_one_thread() -> None:
    """Let torch compute on one thread, without importing it: a command that has nothing to do never needs it."""
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)
    else:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"  # read when it is imported
