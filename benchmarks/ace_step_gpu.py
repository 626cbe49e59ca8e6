"""ACE-Step's training update on one CUDA device at the published size: bf16 base, LoRA rank 64, clips of 60 and 240 s.

Per length, batch, checkpointing and compile setting: step time, seconds of audio trained per second, model FLOP/s
utilisation and peak memory. Utilisation is the FLOPs of forward and backward (counted on shapes, nothing recomputed)
over the step's time and over the bf16 GEMM rate that this very run measures. ``--dry-run`` goes through the same lines
on the CPU with a tiny transformer and short clips; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

ADAPTER = {"rank": 64, "alpha": 64}
GIB = 2**30


def timed(work: Callable[[], object], device: str, warm_up: int, rounds: int) -> float:
    """Median wall-clock seconds of a call, the device's work included."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(warm_up):
        work()
    wait()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def gemm_peak(device: str) -> float:
    """FLOP/s of a large bf16 matrix product on the device; of a small fp32 one on a CPU."""
    import torch

    if device == "cpu":
        return protocol.gemm_rate(seconds=0.1)
    n = 8192
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / timed(lambda: a @ b, device, 5, 20)


def tiny_config() -> Any:
    """A transformer of two layers for the dry run."""
    from tunesmith.families.ace_step.config import LyricEncoderConfig, TransformerConfig

    lyrics = LyricEncoderConfig(output_size=64, attention_heads=2, linear_units=128, num_blocks=1)
    return TransformerConfig(
        num_layers=2, inner_dim=256, num_attention_heads=2, lyric_hidden_size=64, lyric_encoder=lyrics
    )


def reset_peak(device: str) -> None:
    """Forget the device's peak so far."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: str) -> int:
    """Bytes at the peak: of the device, or of this process."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if device == "cuda" else protocol.peak_bytes()


def measure(config: Any, work: Any, options: argparse.Namespace, folder: Path, peak: float) -> None:
    """One line per checkpointing and compile setting."""
    from ace_step_arms import our_bench, unwritten_family
    from ace_step_flops import our_step
    from tunesmith.training.loop import train_update

    flops = our_step(config, work, ADAPTER, ssl=False, checkpointing=False)
    for recompute in options.checkpointing:
        for mode in options.compile:
            family = unwritten_family(config, options.device)
            name = f"{work.seconds:g}-{work.clips}-{recompute}-{mode}"
            settings = {"gradient_checkpointing": recompute == "on", "compile": mode, "device": options.device}
            state = our_bench(family, work, folder / name, adapter=ADAPTER, **settings)
            reset_peak(options.device)
            warm_up = 10 if mode == "regional" else 3
            seconds = timed(lambda state=state: train_update(state), options.device, warm_up, options.rounds)
            figures = {
                "ms": 1e3 * seconds,
                "mfu": flops / seconds / peak,
                "peak_gib": peak_memory(options.device) / GIB,
            }
            setting = f"{work.seconds:g} s, {work.clips} clips, checkpointing {recompute}, compile {mode}"
            measured(**{setting: figures | {"audio_s_per_s": work.clips * work.seconds / seconds}})
            print(
                f"  {work.seconds:5g} s × {work.clips}  checkpointing {recompute:3s}  compile {mode:8s} "
                f"{1e3 * seconds:8.1f} ms/update  {work.clips * work.seconds / seconds:8.0f} s of audio/s  "
                f"MFU {flops / seconds / peak:5.1%}  peak {peak_memory(options.device) / GIB:6.1f} GiB",
                flush=True,
            )
            del state


def main() -> None:
    """Measure, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[60.0, 240.0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--checkpointing", nargs="+", choices=["off", "on"], default=["off", "on"])
    parser.add_argument("--compile", nargs="+", choices=["off", "regional"], default=["off", "regional"])
    parser.add_argument("--lyric-tokens", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--dry-run", action="store_true", help="a tiny transformer on the CPU")
    options = parser.parse_args()
    import torch

    from ace_step_arms import Work
    from ace_step_models import transformer_config

    options.device = "cpu" if options.dry_run else "cuda"
    if not options.dry_run and not torch.cuda.is_available():
        raise SystemExit("This benchmark needs a CUDA device, and this machine has none.")
    config = tiny_config() if options.dry_run else transformer_config()
    peak = gemm_peak(options.device)
    machine = "dry run on the CPU" if options.dry_run else torch.cuda.get_device_name()
    print(f"{machine}, torch {torch.__version__}, GEMM {peak / 1e12:.3g} TFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        for seconds in options.seconds:
            for clips in options.batches:
                measure(config, Work(clips, seconds, options.lyric_tokens), options, Path(folder), peak)
    print(f"GEMM afterwards: {gemm_peak(options.device) / peak:.0%} of before")
    measured(gemm_flop_per_s=peak)
    if not options.dry_run:
        write_results(__file__)


if __name__ == "__main__":
    main()
