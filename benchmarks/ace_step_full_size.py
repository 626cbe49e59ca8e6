"""ACE-Step's transformer at its published size, random weights, on the CPU: one forward pass, on request one update.

The checkpoint is written as published (874 tensors, bf16, 6.6 GB, on disk for the time of the run) and read by the same
call that ``tunesmith train`` makes: without the layers that nothing uses, in fp32. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

ADAPTER = {"rank": 16, "alpha": 16}
CONDITIONS = ("text", "text_mask", "speaker", "lyric_ids", "lyric_mask")


def write(folder: Path) -> None:
    """The checkpoint; in a process of its own, whose memory is not the model's."""
    from ace_step_models import checkpoint_config, transformer_config, write_configs, write_transformer

    config = checkpoint_config(transformer_config())
    write_configs(folder, config)
    write_transformer(folder, config.transformer)


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Load, run once without gradients, and train if asked to."""
    import torch

    from ace_step_arms import Work, our_bench, synthetic_family
    from ace_step_flops import random_batch
    from full_size import Times
    from tunesmith.families.ace_step.config import NETWORK
    from tunesmith.training.loop import train_update

    times = Times()
    family = synthetic_family(str(folder))
    work = Work(1, options.seconds, options.lyric_tokens)
    state = our_bench(family, work, folder / "run", adapter=ADAPTER)
    network = state.networks[NETWORK]
    live = sum(p.numel() for p in network.parameters() if not p.requires_grad)
    times.done("load and attach")
    batch = random_batch(family, work)
    with torch.no_grad():
        conditions = network.encode(*(batch[name] for name in CONDITIONS))
        velocity = network.decode(batch["latents"], batch["sigmas"][0] * 1000, conditions)
        times.done("forward")
    losses = []
    for number in range(options.updates):
        losses.append(train_update(state).measured.loss)
        state.progress.update += 1
        times.done(f"update {number + 1}")
    return {
        "parameters": live,
        "adapter": sum(p.numel() for p in state.parameters.values()),
        "frames": work.frames,
        "velocity_shape": list(velocity.shape),
        "velocity_finite": bool(torch.isfinite(velocity).all()),
        "losses": losses,
        "peak_gib": protocol.peak_bytes() / 2**30,
        "seconds": times.wall,
        "cpu_s": times.cpu,
    }


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of the clip")
    parser.add_argument("--lyric-tokens", type=int, default=60)
    parser.add_argument("--updates", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(Path(options.write))
        return
    import torch

    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([sys.executable, __file__, "--write", name], check=True)
        found = run(Path(name), options)
    measured(**found)
    write_results(__file__)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
