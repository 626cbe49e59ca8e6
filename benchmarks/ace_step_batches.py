"""Clips per second of Tunesmith's ACE-Step update by clips per micro-batch, with and without checkpointing.

From the cache, equal lengths, one thread; sizes as in ``ace_step_train.py``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results


def measure(options: argparse.Namespace, folder: Path) -> None:
    """One line per batch size and checkpointing setting."""
    import torch

    from ace_step_arms import UPSTREAM_ADAPTER, Work, our_bench, set_checkpointing, unwritten_family
    from ace_step_models import transformer_config
    from tunesmith.training.loop import train_update

    torch.set_num_threads(1)
    made, clips = {}, {}
    for size in options.batches:
        family = unwritten_family(transformer_config(options.layers, options.width), "cpu")
        work = Work(size, options.seconds, options.lyric_tokens)
        state = our_bench(family, work, folder / f"run-{size}", adapter=UPSTREAM_ADAPTER)
        for on in (False, True):

            def update(state: Any = state, on: bool = on) -> object:
                set_checkpointing(state, on)
                return train_update(state)

            name = f"batch {size}{', checkpointing' if on else ''}"
            made[name], clips[name] = update, size
    with protocol.probed():
        times = protocol.interleave(made, options.rounds)
    fastest = protocol.best(times)
    measured(cpu_s=fastest, clips_per_s={name: clips[name] / seconds for name, seconds in fastest.items()})
    first = next(iter(fastest))
    for name, seconds in fastest.items():
        gain = clips[name] / clips[first] * fastest[first] / seconds
        print(f"  {name:24s} {seconds:7.2f} CPU-s  {clips[name] / seconds:.3f} clips/s  × {gain:.2f}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--lyric-tokens", type=int, default=400)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(options, Path(name))
    write_results(__file__)


if __name__ == "__main__":
    main()
