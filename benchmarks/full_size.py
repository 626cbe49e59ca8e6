"""musicgen-small at its real size, random weights: two training updates and one generated second, on the CPU.

Nothing is simulated but the numbers in the weights: the checkpoint is written to disk (2.4 GB), then encoded, trained
and generated with by the same calls that ``tunesmith run`` makes. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import protocol
from recording import measured, write_results

CAPTION = "dark trap beat with slow 808 drums and piano 140 bpm"


class Times:
    """Seconds per step, wall clock and processor, printed as they come."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.peak_gib: dict[str, float] = {}
        self._start()

    def _start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def done(self, what: str) -> None:
        """Close the step ``what``."""
        self.wall[what] = time.perf_counter() - self._wall
        cpu, peak = time.process_time() - self._cpu, protocol.peak_bytes() / 2**30
        self.cpu[what], self.peak_gib[what] = cpu, peak
        print(f"  {what:22s} {self.wall[what]:7.1f} s wall {cpu:7.1f} CPU-s   peak so far {peak:5.2f} GiB", flush=True)
        self._start()


def run(folder: Path, seconds: float, times: Times) -> dict[str, Any]:
    """Encode, train twice, generate; what came out."""
    from models import SMALL, write_checkpoint
    from tunesmith.families.contract import GenerationRequest
    from tunesmith.training.loop import train_update
    from tunesmith.training.setup import build_train_state

    write_checkpoint(folder / "model", SMALL)
    times.done("write the checkpoint")
    context = encoded_run(folder, seconds)
    times.done("encode one clip")
    state = build_train_state(context)
    card = context.family.card.facts()
    times.done("load and attach")
    losses = []
    for number in range(2):
        losses.append(train_update(state).measured.loss)
        state.progress.update += 1
        times.done(f"update {number + 1}")
    generator = context.family.generation.generator(state.networks)
    times.done("load T5 and codec")
    request = GenerationRequest({"caption": CAPTION}, seconds=1.0, seed=1)
    audio = next(iter(generator.generate([request]))).audio
    times.done("generate 1 s")
    return {
        "parameters": card.parameters,
        "trained_part": card.trained_parameters,
        "adapter": sum(p.numel() for p in state.parameters.values()),
        "losses": losses,
        "random_level": math.log(SMALL.vocab),
        "audio_shape": list(audio.shape),
        "audio_finite": bool(np.isfinite(audio).all()),
        "sample_rate": card.sample_rate,
    }


def encoded_run(folder: Path, seconds: float) -> Any:
    """A run folder with one encoded clip."""
    import soundfile

    from tunesmith.data.sample import AudioRef, Sample, write_manifest
    from tunesmith.recipe.models import Recipe
    from tunesmith.run.console import Console
    from tunesmith.run.context import RunContext
    from tunesmith.run.folder import RunFolder
    from tunesmith.stages.encode import encode

    t = np.arange(int(seconds * 32_000)) / 32_000
    soundfile.write(folder / "clip.wav", 0.4 * np.sin(2 * np.pi * 55 * t) * np.exp(-(t % 0.5) * 6), 32_000)
    sample = Sample(
        "clip", {"audio": AudioRef(str(folder / "clip.wav"), duration=seconds)}, {"caption": CAPTION}, split="train"
    )
    train = {"batch_size": 1, "accumulation": 1, "updates": 2}
    recipe = Recipe.model_validate({"model": {"path": str(folder / "model"), "device": "cpu"}, "train": train})
    run_folder = RunFolder(folder / "run").create()
    write_manifest(run_folder.manifest, [sample])
    context = RunContext(run_folder, recipe, Console(quiet=True, log_file=run_folder.log))
    encode(context)
    return context


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of the clip")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    times = Times()
    times.done("import torch")
    with tempfile.TemporaryDirectory() as name:
        found = run(Path(name), options.seconds, times)
    measured(**found, cpu_s=times.cpu, peak_gib=times.peak_gib)
    write_results(__file__)
    print(json.dumps(found | {"peak_gib": protocol.peak_bytes() / 2**30, "seconds": times.wall}))


if __name__ == "__main__":
    main()
