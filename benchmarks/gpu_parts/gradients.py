"""Losses and gradients: the device's against the CPU's, compiled against eager, packed bases against the full one.

The CPU in fp32 is the reference. bf16 keeps 8 bits of a number, so that a loss may be off by two units of its last
place and a gradient, which is made of many products, by sixteen: the limits of the tests of bf16 on a CPU.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache, partial
from typing import Any

import torch

from gpu_parts.bench import (
    Gradients,
    by_target,
    error,
    exact_products,
    free,
    loss_and_gradients,
    work_folder,
    workbench,
)
from gpu_parts.cases import CASES, SPEECH, Case, Place, Size
from gpu_parts.steps import Figures, Step
from tunesmith.adapters.attach import unwrap_peft
from tunesmith.families.step_audio.config import LLM
from tunesmith.training.state import TrainState

LOSS = {"fp32": 1e-4, "tf32": 2e-3, "bf16": 2 * 2.0**-8}
GRADIENT = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 16 * 2.0**-8}
"""Relative to the reference. TF32, which torch uses in convolutions, keeps 11 bits."""
POCKET = 4.0
"""A trained model's gradients on what it knows are small beside what they are the sums of: the limits are so wide."""
POCKET_SECONDS, DRY_CLIPS, WIDE_CLIPS = (4.0, 3.0), (1.2, 0.96), (4.8, 3.6)
"""Seconds of the two clips of a batch; padding belongs to what is compared. Speech is never cut."""
Found = tuple[float, Gradients]


def bench(
    case: Case, size: Size, place: Place, precision: str, device: str | None = None, **options: Any
) -> TrainState:
    """The workbench of a case on the device, its weights drawn on the CPU, so that they are the same everywhere."""
    family = case.open(size, place, **options)
    folder = work_folder(place, case.name, size, precision)
    return workbench(
        case, family, items_of(case, size, place), folder, device=device or place.device, precision=precision
    )


@lru_cache(maxsize=len(CASES))
def shipped(case_name: str) -> list[Any]:
    """Two clips that a pocket model knows: of noise its bf16 gradients are two to four times as far off."""
    case = next(case for case in CASES if case.name == case_name)
    family = case.kind.open(f"pocket/{case.kind.name}", case.kind.settings.model_validate(case.options))
    clips = case.shipped_items(family, 2)
    clock = next(spec for spec in family.encoding.fields() if spec.time_axis is not None)
    if family.is_speech:
        return clips
    for clip, seconds in zip(clips, POCKET_SECONDS, strict=True):
        first = range(round(seconds * (clock.rate or 1.0)))
        clip[clock.name] = clip[clock.name].take(first, axis=clock.time_axis)
    return clips


def items_of(case: Case, size: Size, place: Place) -> list[Any]:
    """Shipped clips for the pocket model, random ones of two lengths for others."""
    if size == "pocket":
        return shipped(case.name)
    family = case.open(size, place)
    return [case.item(family, seconds, n) for n, seconds in enumerate(DRY_CLIPS if place.dry else WIDE_CLIPS)]


def compared(found: Found, reference: Found, kind: str, size: Size = "wide") -> Figures:
    """How far a loss and gradients are from others, and whether that is within the limits of ``kind``."""
    wider = POCKET if size == "pocket" else 1.0
    loss = abs(found[0] - reference[0]) / abs(reference[0])
    gradient = error(found[1], reference[1])
    return {
        "loss": loss,
        "gradient": gradient,
        "by_target": by_target(found[1], reference[1]),
        "ok": loss <= wider * LOSS[kind] and gradient <= wider * GRADIENT[kind],
    }


def together(figures: dict[str, Figures]) -> Figures:
    """Comparisons by name, and whether all of them are within their limits."""
    return {**figures, "ok": all(each["ok"] for each in figures.values())}


# --- the device against the CPU -------------------------------------------------------------------------------------


def losses(place: Place) -> list[Step]:
    """Every family, pocket and as wide as published: fp32, fp32 with TF32 as torch has it, bf16."""
    sizes: tuple[tuple[Size, float], ...] = (("pocket", 8.0), ("wide", 15.0))
    return [
        Step(f"{case.name}, {size}", seconds, partial(against_cpu, case, size, place))
        for size, seconds in sizes
        for case in CASES
    ]


def against_cpu(case: Case, size: Size, place: Place) -> Figures:
    """A case on the device against the CPU."""
    reference = loss_and_gradients(bench(case, size, place, "fp32", "cpu"))
    figures = {}
    for kind in ("fp32", "tf32", "bf16"):
        free(place.device)
        with exact_products() if kind == "fp32" else nullcontext():
            found = loss_and_gradients(bench(case, size, place, "bf16" if kind == "bf16" else "fp32"))
        figures[kind] = compared(found, reference, kind, size)
    return together(figures) | {"reference_loss": reference[0]}


# --- compiled against eager -----------------------------------------------------------------------------------------


def compiled(place: Place) -> list[Step]:
    """Families whose repeated block is compiled; of the LLM, FlexAttention's kernel against attention without it."""
    cases = [case for case in CASES if case.compiles]
    return [
        *(
            Step(f"{case.name}, {p}", 45.0, partial(against_eager, case, p, place))
            for p in ("bf16", "fp32")
            for case in cases
        ),
        Step(f"{SPEECH.name}, attention, bf16", 20.0, partial(against_plain_attention, place)),
    ]


def against_eager(case: Case, precision: str, place: Place) -> Figures:
    """Compiled and eager gradients, of one another; in fp32 also both against the CPU's, to tell which side is off."""
    found: dict[str, Found] = {}
    with exact_products():
        if precision == "fp32":
            found["cpu"] = loss_and_gradients(bench(case, "wide", place, precision, "cpu"))
        for name in ("eager", "compiled"):
            free(place.device)
            state = bench(case, "wide", place, precision)
            if name == "compiled":
                state.family.networks.compile_blocks(state.networks)
            found[name] = loss_and_gradients(state)
            del state
    torch.compiler.reset()
    figures = {"compiled_of_eager": compared(found["compiled"], found["eager"], precision)}
    if "cpu" in found:
        figures |= {f"{name}_of_cpu": compared(found[name], found["cpu"], precision) for name in ("eager", "compiled")}
    return together(figures)


def against_plain_attention(place: Place) -> Figures:
    """The LLM's gradients with and without FlexAttention (a device without its kernel has none either way)."""
    found = {}
    for flex in (False, True):
        free(place.device)
        state = bench(SPEECH, "wide", place, "bf16")
        unwrap_peft(state.networks[LLM]).flex_attention = flex
        found[flex] = loss_and_gradients(state)
    return together({"flex_of_plain": compared(found[True], found[False], "bf16")})


# --- packed bases ---------------------------------------------------------------------------------------------------


def quantised(place: Place) -> list[Step]:
    """int8 and NF4, on the trained pocket model and as wide as published."""
    sizes: tuple[Size, ...] = ("pocket", "wide")
    return [
        Step(f"{case.name}, {packing}, {size}", 10.0, partial(against_full, case, size, packing, place))
        for size in sizes
        for packing in ("int8", "nf4")
        for case in CASES
        if case.packs
    ]


def against_full(case: Case, size: Size, packing: str, place: Place) -> Figures:
    """A packed base against the full one in bf16, which tells the packing's price; and against the CPU's, packed alike.

    Only the second has limits: it has to be the same model.
    """
    full = loss_and_gradients(bench(case, size, place, "bf16"))
    free(place.device)
    packed = loss_and_gradients(bench(case, size, place, "bf16", base_weights=packing))
    free(place.device)
    alike = loss_and_gradients(bench(case, size, place, "fp32", "cpu", base_weights=packing))
    price, same = (compared(packed, other, "bf16", size) for other in (full, alike))
    return {"of_full": price, "of_cpu": same, "ok": same["ok"]}
