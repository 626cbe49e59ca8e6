"""Share of frames that are padding after bucketing, on clips of 5 to 30 s, against two simpler ways."""

from __future__ import annotations

import argparse

import numpy as np

import protocol
from recording import measured, write_results

RATE = 50


def main() -> None:
    """Plan epochs at the sizes asked for and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=4000)
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--accumulation", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    from tunesmith.data.batches import micro_batches, padding_share, plan_epoch

    rng = np.random.default_rng(0)
    lengths = rng.integers(5 * RATE, 30 * RATE + 1, options.clips)
    ids = [f"clip-{i}" for i in range(options.clips)]
    found = {}
    for size in options.batches:
        shares = []
        for epoch in range(options.epochs):
            per_update = size * options.accumulation
            plan = plan_epoch(ids, lengths, per_update=per_update, seed=0, epoch=epoch)
            shares.append(
                padding_share([b for u in plan.updates for b in micro_batches(u, lengths, size=size)], lengths)
            )
        order = rng.permutation(options.clips)
        random = padding_share([order[i : i + size].tolist() for i in range(0, options.clips, size)], lengths)
        window = 1 - lengths.mean() / (30 * RATE)
        print(f"  batch {size}: random batches {random:.1%}, padded to the 30 s window {window:.1%}")
        found[str(size)] = float(np.mean(shares))
        print(protocol.ratio_line(f"batch {size}: padding, %", 100 * found[str(size)], 3, at_least=False))
    measured(padding_share=found)
    write_results(__file__)


if __name__ == "__main__":
    main()
