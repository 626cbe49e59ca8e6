"""Products with frozen weights in fp32: torch's own (MKL's) against oneDNN's, both ways through a layer.

The rows of a micro-batch against weights of several widths; where oneDNN wins, training multiplies by it
(``tunesmith/adapters/frozen_products.py``).
"""

from __future__ import annotations

import argparse

import protocol
from recording import measured, write_results

SHAPES = ((64, 64), (256, 256), (512, 512), (2048, 512), (1024, 1024), (4096, 1024))
"""Outputs and inputs."""


def rates(outputs: int, inputs: int, rows: int, rounds: int) -> dict[str, float]:
    """GFLOP/s forward and backward, by either library."""
    import torch

    from tunesmith.adapters.frozen_products import product

    x, weight, over = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(rows, outputs)
    repeats = max(1, round(2e9 / (2 * rows * inputs * outputs)))
    arms = {
        "forward, MKL": lambda: [product(x, weight, None, onednn=False) for _ in range(repeats)],
        "forward, oneDNN": lambda: [product(x, weight, None, onednn=True) for _ in range(repeats)],
        "backward, MKL": lambda: [over @ weight for _ in range(repeats)],
        "backward, oneDNN": lambda: [product(over, weight.t(), None, onednn=True) for _ in range(repeats)],
    }
    work = 2e-9 * rows * inputs * outputs * repeats
    return {name: work / seconds for name, seconds in protocol.best(protocol.interleave(arms, rounds)).items()}


def main() -> None:
    """Print both libraries' rates and their ratio."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for outputs, inputs in SHAPES:
        found = rates(outputs, inputs, options.rows, options.rounds)
        gains = {way: found[f"{way}, oneDNN"] / found[f"{way}, MKL"] for way in ("forward", "backward")}
        said = ", ".join(f"{name} {rate:.0f}" for name, rate in found.items())
        print(f"{outputs} x {inputs}: {said} GFLOP/s; oneDNN {gains['forward']:.2f} and {gains['backward']:.2f} times")
        measured(**{f"{outputs} x {inputs}": {**found, "gains": gains}})
    write_results(__file__)


if __name__ == "__main__":
    main()
