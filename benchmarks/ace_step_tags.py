"""What shuffled tags cost: some orders of a clip's tags encoded once, against UMT5 in every step on the drawn order.

UMT5-base at its real size, random weights, one thread. Both give training a new order of tags per epoch; the cached way
draws among so many, the other among all.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import protocol
from recording import measured, write_results

CLIP_SECONDS = (20.0, 240.0)


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Processor seconds, bytes and memory of either way."""
    import torch

    from ace_step_models import TAGS, checkpoint_config, transformer_config, write_checkpoint
    from tunesmith.families.ace_step.parts.text_encoder import TextEncoder
    from tunesmith.families.ace_step.tag_texts import tag_orders

    torch.set_num_threads(1)
    config = checkpoint_config(transformer_config(1, 128))
    encoder = TextEncoder(write_checkpoint(folder, config), config, "cpu")
    weights = sum(p.numel() for p in encoder.encoder.parameters())
    orders = tag_orders(TAGS, options.orders)
    kept: list[Any] = []
    arms: dict[str, Callable[[], object]] = {
        "all orders, once per clip": lambda: kept.append(encoder.states(orders)),
        "one order, every step": lambda: encoder.states(orders[:1]),
    }
    with protocol.probed():
        fastest = protocol.best(protocol.interleave(arms, options.rounds))
    once, each = fastest.values()
    states = np.concatenate(kept[-1]).astype(np.float16)
    measured(once_cpu_s=once, each_cpu_s=each, cache_kb=states.nbytes / 1e3, parameters=weights)
    print(f"{len(orders)} orders of {TAGS.count(',') + 1} tags, {len(kept[-1][0])} tokens each")
    print(f"  encoded once: {once:.3f} CPU-s per clip, {states.nbytes / 1e3:.0f} kB in the cache")
    for seconds in CLIP_SECONDS:
        latents = 8 * 16 * config.frames(seconds) * 2
        times = states.nbytes / latents
        print(f"    beside {latents / 1e3:.0f} kB of latents of {seconds:g} s: {times:.2f} times as much")
    print(f"  UMT5 in the step: {each:.3f} CPU-s per clip: the cache is paid back after {once / each:.1f} epochs")
    print(f"    and {weights / 1e6:.0f} M more parameters where the training runs: {4 * weights / 1e9:.2f} GB in fp32")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(options, Path(name))
    write_results(__file__)


if __name__ == "__main__":
    main()
