"""Why the samplers reorder their weights: products of few rows both ways, what a step of `generate` is made of, Step1.

Products take turns through enough weights that none is in a cache from before. The step is ``sampler_decode.py``'s,
read by torch's profiler, as shares of all operators' time. Step1, the language model of Step-Audio, decodes with its
weights as they are and reordered.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from typing import Any

import protocol
import sampler_decode
import step_audio_decode
from recording import measured, write_results

SHAPES = ((3072, 1024), (1024, 4096))
"""Outputs and inputs: a layer's queries, keys and values at width 1024, and its way down."""
BYTES = 200e6
STEP1 = {"768 x 8": (768, 8, 4), "1536 x 6": (1536, 6, 4)}


def products(shape: tuple[int, int], rows: int, rounds: int) -> dict[str, float]:
    """Milliseconds of one product, plainly and from reordered weights."""
    import torch
    from torch import nn

    from tunesmith.families import few_rows

    count = max(4, round(BYTES / (4 * shape[0] * shape[1])))
    layers = [nn.Linear(shape[1], shape[0], bias=False).requires_grad_(False) for _ in range(count)]
    ordered = [few_rows.products([layer], reorder=True) for layer in layers]
    x = torch.randn(rows, shape[1])
    arms = {"plain": lambda: [layer(x) for layer in layers], "reordered": lambda: [product(x) for product in ordered]}
    return {arm: 1e3 * seconds / count for arm, seconds in protocol.best(protocol.interleave(arms, rounds)).items()}


def shares(built: tuple[Any, Any, Any], batch: int, frames: int) -> dict[str, float]:
    """Which part of transformers' `generate` products with weights take, attention, and joining tensors."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    ids = torch.randint(2, 1000, (batch, sampler_decode.CAPTION))
    sampler_decode.theirs(built[2], built[1], ids, 4)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        sampler_decode.theirs(built[2], built[1], ids, frames)
    spent = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    kinds = {"products": ("aten::mm", "aten::addmm"), "joining": ("aten::cat",)}
    kinds["attention"] = ("aten::_scaled_dot_product_flash_attention_for_cpu",)
    return {kind: sum(spent.get(name, 0.0) for name in names) / sum(spent.values()) for kind, names in kinds.items()}


def step1(sizes: tuple[int, int, int], batch: int, ids: int, rounds: int) -> float:
    """How much longer an id takes with the weights as they are than with reordered ones."""
    import torch

    from tunesmith.families.few_rows import reordered
    from tunesmith.families.step_audio.parts.kv_cache import KVCache

    model = step_audio_decode.build(*sizes)
    prompt = torch.randint(model.config.vocab_size, (batch, 100))

    def decode(is_reordered: bool) -> None:
        with torch.inference_mode(), reordered(model) if is_reordered else nullcontext():
            cache = KVCache(model.config, rows=batch, capacity=100 + ids)
            states = model.hidden(prompt, cache=cache)[:, -1]
            for _ in range(ids):
                states = model.hidden(model.lm_head(states).argmax(-1)[:, None], cache=cache)[:, -1]

    arms = {"plain": lambda: decode(False), "reordered": lambda: decode(True)}
    found = protocol.best(protocol.interleave(arms, rounds))
    return found["plain"] / found["reordered"]


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--ids", type=int, default=60)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with protocol.probed():
        made = {
            f"{shape[0]} x {shape[1]}": {str(rows): products(shape, rows, options.rounds) for rows in (1, 2, 16)}
            for shape in SHAPES
        }
        print(made, flush=True)
        built = sampler_decode.build(1024, 12)
        parts = {str(batch): shares(built, batch, options.frames) for batch in (1, 8)}
        print(parts, flush=True)
        del built
        ratios = {
            name: {str(batch): step1(sizes, batch, options.ids, options.rounds) for batch in (1, 8)}
            for name, sizes in STEP1.items()
        }
        print(ratios)
    measured(products_ms=made, shares_of_generate=parts, step1_plain_over_reordered=ratios)
    write_results(__file__)


if __name__ == "__main__":
    main()
