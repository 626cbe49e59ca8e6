"""The workbench that ``tunesmith train`` builds, over random clips; its losses, gradients, times and memory."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import protocol
from gpu_parts.cases import Case, Place
from tunesmith.data.cache import EncodedStore
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.families.contract import Family
from tunesmith.families.loss_terms import add_denominators
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.training.clips import Clips
from tunesmith.training.loop import backward, local_micro_batches, set_trainable
from tunesmith.training.setup import build_train_state
from tunesmith.training.state import RunClips, TrainState

ADAPTER_SPREAD = 0.005
"""What a fresh adapter's zeros are replaced by, so that every one of its weights has a gradient."""
LONGEST = 10**6
"""Frames: no random clip is cropped."""
Item = Mapping[str, np.ndarray]
Gradients = dict[str, torch.Tensor]


def recipe_of(case: Case, family: Family, device: str, precision: str, train: Mapping[str, Any]) -> Recipe:
    """The family's own defaults, without dropout: two precisions would draw it differently."""
    defaults = family.type.recipe_defaults
    adapter = {"rank": 16, "alpha": 16, **defaults.get("adapter", {}), "dropout": 0.0}
    sizes = {**defaults.get("train", {}), "stages": {}, "updates": 1000, "accumulation": 1, **train}
    return Recipe.model_validate(
        {
            "model": {"path": family.path, "family": case.kind.name, "device": device, "precision": precision},
            "options": family.settings.model_dump(exclude_unset=True),
            "data": {**defaults.get("data", {})},
            "adapter": adapter,
            "train": sizes,
        }
    )


def workbench(
    case: Case,
    family: Family,
    items: Sequence[Item],
    folder: Path,
    *,
    device: str,
    precision: str,
    **train: Any,
) -> TrainState:
    """A run of these encoded clips, all of them in one micro-batch unless ``train`` says otherwise."""
    recipe = recipe_of(case, family, device, precision, {"batch_size": len(items), **train})
    store = EncodedStore(folder / "cache", family.encoding.fields())
    samples = [Sample(f"{number}", {"audio": AudioRef("-")}, {"caption": "a, b"}) for number in range(len(items))]
    for item, sample in zip(items, samples, strict=True):
        keys = {spec.name: family.encoding.field_key(sample, spec.name) for spec in family.encoding.fields()}
        store.put(keys, item)
    store.flush()
    run_folder = RunFolder(folder).create()
    context = RunContext(run_folder, recipe, Console(quiet=True, log_file=run_folder.log))
    vars(context)["family"] = family
    state = build_train_state(context, RunClips(Clips(family, store, samples, max_frames=LONGEST, min_frames=1)))
    if state.accelerator.device.type != device:
        raise RuntimeError(f"the run is on {state.accelerator.device}, not on {device}")
    _move_from_zero(state)
    return state


def _move_from_zero(state: TrainState) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in state.parameters.values():
        values = torch.randn(parameter.shape, generator=generator) * ADAPTER_SPREAD
        if not parameter.detach().any():
            parameter.data.copy_(values)


def loss_and_gradients(state: TrainState) -> tuple[float, Gradients]:
    """Of the first update's micro-batches, as the loop computes them; gradients on the CPU, by parameter."""
    set_trainable(state, state.stage.networks)
    micros = local_micro_batches(state, 0)
    totals = add_denominators(state.family.objective.loss_denominators(micro.batch) for micro in micros)
    meter, _ = backward(state, micros, totals)
    found = {str(key): p.grad.detach().float().cpu() for key, p in state.parameters.items() if p.grad is not None}
    state.optimizer.zero_grad(set_to_none=True)
    return meter.result().loss, found


def error(found: Gradients, reference: Gradients) -> float:
    """Norm of the difference of all numbers over that of the reference, or by itself where that is nothing but zeros.

    Raises:
        ValueError: when one of them lacks a parameter.
    """
    if found.keys() != reference.keys():
        raise ValueError(f"gradients of other parameters: {sorted(found.keys() ^ reference.keys())[:3]}")
    over = sum(float((found[name] - value).double().square().sum()) for name, value in reference.items())
    under = sum(float(value.double().square().sum()) for value in reference.values())
    return float(np.sqrt(over / under if under else over))


def by_target(found: Gradients, reference: Gradients) -> dict[str, float]:
    """:func:`error` for the layers of one name each (``q_proj``, ``fc1`` …), of all blocks together."""
    layers: dict[str, list[str]] = {}
    for name in reference:
        parts = [part for part in name.split(".") if part not in ("weight", "bias", "default") and "lora_" not in part]
        layers.setdefault(".".join(parts[-2:]) if parts[-1].isdecimal() else parts[-1], []).append(name)
    return {
        layer: error({n: found[n] for n in names}, {n: reference[n] for n in names}) for layer, names in layers.items()
    }


@contextmanager
def exact_products() -> Iterator[None]:
    """fp32 without TF32, which torch otherwise uses in convolutions; matrix products have none unless asked for."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


# --- the device -----------------------------------------------------------------------------------------------------


def wait(device: str) -> None:
    """Until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def free(device: str) -> None:
    """Let go of what nothing refers to any more, and forget the peak so far."""
    if device == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def timed(work: Callable[[], object], device: str, warm_up: int, rounds: int) -> float:
    """Median wall-clock seconds of a call, the device's work included."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(rounds):
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def gemm_rate(device: str) -> float:
    """FLOP/s of a large bf16 matrix product on the device; of a small fp32 one on a CPU."""
    if device == "cpu":
        threads = torch.get_num_threads()
        rate = protocol.gemm_rate(seconds=0.05)
        torch.set_num_threads(threads)
        return rate
    n = 8192
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / timed(lambda: a @ b, device, 5, 20)


def peak_bytes(device: str) -> int:
    """Most memory that tensors held on the device since :func:`free`; of a CPU, this process's so far."""
    return int(torch.cuda.max_memory_allocated()) if device == "cuda" else protocol.peak_bytes()


def outside_bytes(device: str) -> int:
    """What the card holds beside torch's own memory: the driver's context, and whatever else is on it."""
    if device != "cuda":
        return 0
    left, whole = torch.cuda.mem_get_info()
    return int(whole - left - torch.cuda.memory_reserved())


def use_all_cores() -> None:
    """The reference is computed on the CPU, and :mod:`protocol` has asked for one thread."""
    torch.set_num_threads(os.cpu_count() or 1)


def work_folder(place: Place, *names: str) -> Path:
    """A new folder for a run."""
    stem = "-".join(name.lower().replace(" ", "-") for name in names)
    number = len(list(place.folder.glob(f"{stem}.*")))
    folder = place.folder / f"{stem}.{number}"
    folder.mkdir(parents=True)
    return folder
