"""Clips per second and peak memory of a training update: Tunesmith against a Trainer-style step.

Real proportions at a smaller size: width and depth of the decoder are options; T5 is scaled so that its share of the
forward FLOPs over 24 caption tokens is the one that T5-base has beside musicgen-small (about 5 / frames).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

ARMS = {
    "Trainer-style step": {},
    "+ text states cached": {"cached_text": True},
    "+ no key-value cache": {"cached_text": True, "use_cache": False},
    "+ no dropout": {"cached_text": True, "use_cache": False, "dropout": False},
}
WIDE, OURS = "Trainer-style, wide adapter", "Tunesmith"


def sizes_of(options: argparse.Namespace) -> Any:
    """The decoder asked for, with a T5 in T5-base's proportion to musicgen-small (0.207 of its matrix weights)."""
    from models import Sizes

    decoder = 16 * options.width**2 * options.layers
    layers = max(1, round(0.207 * decoder / (12 * 256**2)))
    return Sizes(options.layers, options.width, options.width // 64, text_width=256, text_layers=layers, text_vocab=512)


def lengths(options: argparse.Namespace, padded: bool) -> list[int]:
    """Frames per clip: all alike, or 5 to 15 s."""
    count = options.batch * options.accumulation
    if not padded:
        return [options.frames] * count
    return [250 + round(500 * i / (count - 1)) for i in range(count)]


def arms(options: argparse.Namespace, folder: Path, *, padded: bool, names: list[str]) -> dict[str, Any]:
    """One update per arm, as a function."""
    import torch

    from arms import TrainerStyle, make_work, our_bench, synthetic_family
    from tunesmith.training.loop import train_update

    torch.set_num_threads(1)
    work = make_work(lengths(options, padded), options.batch, 2048, 4, 512)
    window = 1500 if padded else None
    made: dict[str, Any] = {}
    for name in names:
        if name == OURS:
            family = synthetic_family(str(folder / "model"))
            made[name] = partial(train_update, our_bench(family, work, folder / f"run-{padded}"))
        else:
            settings = ARMS.get(name, {"wide": True})
            made[name] = TrainerStyle(folder / "model", work, window=window, **settings).update
    return made


def equal_lengths(options: argparse.Namespace, folder: Path) -> None:
    """Comparison (a): the same lengths, the same adapter targets, each lever's share."""
    names = [*ARMS, OURS, WIDE]
    made = arms(options, folder, padded=False, names=names)
    with protocol.probed():
        times = protocol.interleave(made, options.rounds)
    clips = options.batch * options.accumulation
    fastest, before = protocol.best(times), None
    for name in names:
        step = "" if before is None or name == WIDE else f"  ×{before / fastest[name]:.3f}"
        varied = protocol.spread(times[name])
        print(f"  {name:28s} {fastest[name]:7.3f} CPU-s  {clips / fastest[name]:6.2f} clips/s  cv {varied:.1%}{step}")
        before = fastest[name]
    first = fastest["Trainer-style step"]
    print(protocol.ratio_line("equal lengths, same targets: ratio of clips/s", first / fastest[OURS], 1.3))
    print(f"against the wide adapter: {fastest[WIDE] / fastest[OURS]:.2f}")
    measured(equal_cpu_s=fastest, equal_ratio=first / fastest[OURS])
    flop_share(options, made[OURS], fastest[OURS])


def flop_share(options: argparse.Namespace, update: Any, seconds: float) -> None:
    """The update's FLOP/s over what this run's GEMM reaches at the shapes of the decoder's layers."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False, custom_mapping=of_onednn()) as counter:
        update()
    rows, width = options.batch * options.frames, options.width
    shapes = {(width, width): 8, (width, 4 * width): 4, (4 * width, width): 4}
    time = sum(share / protocol.gemm_rate(rows, inner, out) for (inner, out), share in shapes.items())
    peak, reached = sum(shapes.values()) / time, counter.get_total_flops() / seconds
    print(f"  {counter.get_total_flops() / 1e9:.1f} GFLOP per update; GEMM at these shapes {peak / 1e9:.1f} GFLOP/s")
    print(protocol.ratio_line(f"{reached / 1e9:.1f} GFLOP/s over it", reached / peak, 0.6))
    measured(flop_share=reached / peak)


def of_onednn() -> dict[Any, Any]:
    """How to count the products that torch's counter does not know (``tunesmith.adapters.frozen_products``)."""
    import torch

    def linear(rows: Any, weight: Any, *_: Any, **__: Any) -> int:
        return 2 * int(rows[0]) * int(weight[0]) * int(weight[1])

    known = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return {torch.ops.mkldnn._linear_pointwise: linear} if known else {}


def true_lengths(options: argparse.Namespace, folder: Path) -> None:
    """Comparison (b): 5-15 s clips, padded to the 30 s window there and left alone here."""
    names = ["Trainer-style step", OURS]
    made = arms(options, folder, padded=True, names=names)
    with protocol.probed():
        times = protocol.interleave(made, max(2, options.rounds - 2))
    made.clear()
    fastest = protocol.best(times)
    peaks = {name: memory(options, folder, name) for name in names}
    for name in names:
        base, peak = peaks[name]
        print(f"  {name:28s} {fastest[name]:7.3f} CPU-s  peak {peak / 2**20:.0f} MiB, {(peak - base) / 2**20:.0f} MiB")
    print("  (peak resident memory of a process of its own, and its growth during two updates)")
    ratio = fastest[names[0]] / fastest[OURS]
    print(protocol.ratio_line("5-15 s clips against padding to 30 s: ratio of clips/s", ratio, 2.5))
    print(protocol.ratio_line("peak memory there over here", peaks[names[0]][1] / peaks[OURS][1], 1.0))
    measured(
        padded_cpu_s=fastest,
        padded_ratio=ratio,
        peak_mib={name: peak / 2**20 for name, (_, peak) in peaks.items()},
        growth_mib={name: (peak - base) / 2**20 for name, (base, peak) in peaks.items()},
    )


def memory(options: argparse.Namespace, folder: Path, name: str) -> tuple[int, int]:
    """Peak bytes before and after two updates of one arm, in a process of its own."""
    arguments = [f"--{key}={value}" for key, value in vars(options).items() if key not in ("memory", "folder", "only")]
    command = [sys.executable, __file__, *arguments, f"--memory={name}", f"--folder={folder}"]
    line = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    before, after = json.loads(line)
    return before, after


def measure_memory(options: argparse.Namespace) -> None:
    """The child of :func:`memory`."""
    update = arms(options, Path(options.folder), padded=True, names=[options.memory])[options.memory]
    before = protocol.peak_bytes()
    update()
    update()
    print(json.dumps([before, protocol.peak_bytes()]))


def main() -> None:
    """Measure both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--accumulation", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["equal", "padded"])
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        measure_memory(options)
        return
    from models import write_checkpoint

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_checkpoint(folder / "model", sizes_of(options))
        if options.only != "padded":
            equal_lengths(options, folder)
        if options.only != "equal":
            true_lengths(options, folder)
    write_results(__file__)


if __name__ == "__main__":
    main()
