"""Training and sampling on one CUDA device at musicgen-small's and -medium's shapes: bf16, LoRA rank 32.

Per token budget and per compile setting: step time, tokens/s, model FLOP/s utilisation and peak memory. Utilisation is
the FLOPs of forward and backward (counted, nothing recomputed) over the step's time and over the bf16 GEMM rate that
this very run measures. Then the code sampler's speed against real time, without the codec.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recording import measured, write_results

FRAMES, RANK = 500, 32
"""10 s clips, so that a budget of 2k, 8k or 16k frames is 4, 16 or 32 of them."""


def timed(work: Callable[[], object], warm_up: int, rounds: int) -> float:
    """Median wall-clock seconds of a call, the device's work included."""
    import torch

    for _ in range(warm_up):
        work()
    torch.cuda.synchronize()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def gemm_peak() -> float:
    """FLOP/s of a large bf16 matrix product on this device."""
    import torch

    n = 8192
    a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / timed(lambda: a @ b, 5, 20)


def train_lines(name: str, sizes: Any, options: argparse.Namespace, folder: Path, peak: float) -> None:
    """One line per token budget and compile setting."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from arms import make_work, our_bench, unwritten_family
    from models import config
    from tunesmith.training.loop import train_update

    config(sizes).save_pretrained(folder / name)
    for budget in options.budgets:
        count, flops = max(1, budget // FRAMES), 0
        work = make_work([FRAMES] * count, count, sizes.vocab, sizes.codebooks, sizes.text_vocab)
        for mode in options.compile:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            settings = {"token_budget": budget, "compile": mode}
            family = unwritten_family(str(folder / name))
            state = our_bench(family, work, folder / f"{name}-{budget}-{mode}", rank=RANK, **settings)
            if not flops:  # once per budget, before anything is compiled: the counter sees eager calls only
                with FlopCounterMode(display=False) as counter:
                    train_update(state)
                flops = counter.get_total_flops()
            seconds = timed(lambda state=state: train_update(state), 10 if mode == "regional" else 4, options.rounds)
            memory = torch.cuda.max_memory_allocated() / 2**30
            figures = {"ms": 1e3 * seconds, "tokens_per_s": count * FRAMES / seconds, "peak_gib": memory}
            measured(**{f"{name}, {budget} tokens, {mode}": figures | {"mfu": flops / seconds / peak}})
            print(
                f"  {name:7s} budget {budget:6d} compile {mode:8s} {1e3 * seconds:8.1f} ms/update "
                f"{count * FRAMES / seconds:9.0f} tokens/s  MFU {flops / seconds / peak:5.1%}  peak {memory:5.1f} GiB",
                flush=True,
            )
            del state


def sampler_lines(name: str, options: argparse.Namespace, folder: Path) -> None:
    """Seconds of audio codes per second, guidance 3, by batch size."""
    import torch

    from arms import WORDS, unwritten_family
    from tunesmith.families.musicgen.sampler import CodeSampler, SamplerConditions, Sampling

    family = unwritten_family(str(folder / name))
    network = family.networks.load()["decoder"].to("cuda", torch.bfloat16)
    sampler = CodeSampler(network, family.checkpoint.config)
    frames = round(options.seconds * family.checkpoint.config.frame_rate)
    for batch in (1, 8):
        states = torch.randn(batch, WORDS, family.checkpoint.config.text_size)
        conditions = SamplerConditions(states, torch.ones(batch, WORDS))
        draw = Sampling(guidance=3.0, temperature=1.0, top_k=250)

        def sample(conditions: SamplerConditions = conditions, draw: Sampling = draw, batch: int = batch) -> None:
            sampler.sample(conditions, frames, list(range(batch)), draw)

        seconds = timed(sample, 1, 3)
        measured(**{f"{name}, sampler, batch {batch}": {"times_real_time": batch * options.seconds / seconds}})
        print(f"  {name:7s} sampler batch {batch}: {batch * options.seconds / seconds:.2f} × real time", flush=True)


def main() -> None:
    """Measure, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=["small", "medium"], default=["small", "medium"])
    parser.add_argument("--budgets", type=int, nargs="+", default=[2000, 8000, 16000])
    parser.add_argument("--compile", nargs="+", choices=["off", "regional"], default=["off", "regional"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0, help="audio per sampled item")
    options = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("This benchmark needs a CUDA device, and this machine has none.")
    from models import MEDIUM, SMALL

    peak = gemm_peak()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, bf16 GEMM {peak / 1e12:.0f} TFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        for name, sizes in (("small", SMALL), ("medium", MEDIUM)):
            if name in options.models:
                train_lines(name, sizes, options, Path(folder), peak)
                sampler_lines(name, options, Path(folder))
    print(f"GEMM afterwards: {gemm_peak() / peak:.0%} of before")
    measured(gemm_flop_per_s=peak)
    write_results(__file__)


if __name__ == "__main__":
    main()
