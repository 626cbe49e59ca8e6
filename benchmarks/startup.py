"""What a command costs that has nothing to do, and what an adapter on disk costs over its numbers.

``tunesmith --help``, and every verb on a run whose stages are all up to date. The runs are the demos of the three
families; those that ``--runs`` does not hold yet are made there first, which takes minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import protocol
from recording import measured, write_results

FAMILIES = ("musicgen", "ace_step", "step_audio")
VERBS = ("run", "check", "encode", "train", "generate", "evaluate", "report", "info")
QUARANTINED = 1
"""How ``check`` ends on the demos, which have two bad clips planted among theirs."""


def cost(arguments: list[str], rounds: int, folder: Path | None = None) -> tuple[float, float]:
    """The least processor seconds and peak memory (MiB) of a command in a process of its own.

    Raises:
        SystemExit: when it fails, or does anything.
    """
    best = (float("inf"), float("inf"))
    for _ in range(rounds + 1):
        command = [sys.executable, "-m", "tunesmith", *arguments]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        said = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, QUARANTINED) or "──" in said:
            raise SystemExit(f"{' '.join(arguments)}: this was to have nothing to do\n{said}")
        found = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        best = min(best[0], found[0]), min(best[1], found[1])
    return best


def nothing_to_do(runs: Path, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Costs by family and verb, over finished demos in ``runs``."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for family in FAMILIES:
        run = runs / family
        if not (run / "report.html").exists():
            subprocess.run(
                [sys.executable, "-m", "tunesmith", "demo", "--family", family, "--out", str(run)], check=True
            )
        subprocess.run([sys.executable, "-m", "tunesmith", "run", str(run)], check=True, stdout=subprocess.DEVNULL)
        costs = {verb: cost([verb, family], rounds, runs) for verb in VERBS}
        found[family] = {verb: {"cpu_s": seconds, "peak_mib": peak} for verb, (seconds, peak) in costs.items()}
        worst = max(found[family].values(), key=lambda each: each["cpu_s"])
        print(protocol.ratio_line(f"{family}: nothing to do, CPU-s at most", worst["cpu_s"], 1.0, at_least=False))
        peak = max(each["peak_mib"] for each in found[family].values())
        print(protocol.ratio_line(f"{family}: nothing to do, MiB at most", peak, 120, at_least=False))
    return found


def adapter_ratio() -> tuple[float, int]:
    """Bytes of an adapter folder over the fp32 bytes of its numbers, for musicgen-small's layers at rank 16."""
    import torch

    from models import SMALL, config
    from tunesmith.adapters.attach import attach
    from tunesmith.adapters.files import save_adapter
    from tunesmith.adapters.parameters import trainable
    from tunesmith.adapters.settings import AdapterDefaults, AdapterRecipe
    from tunesmith.families.musicgen.adapters import TARGETS
    from tunesmith.families.musicgen.config import parse_config
    from tunesmith.families.musicgen.weights import TrainedPart

    with torch.device("meta"):
        part = TrainedPart(parse_config(config(SMALL).to_dict(), "-"))
    part.requires_grad_(False)
    defaults = {"decoder": AdapterDefaults(TARGETS, 16, 16)}
    networks = attach({"decoder": part}, AdapterRecipe(), defaults, seed=0)
    for module in networks["decoder"].modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.requires_grad:
                setattr(module, name, torch.nn.Parameter(torch.zeros(parameter.shape)))
    numbers = sum(p.numel() for p in trainable(networks).values())
    with tempfile.TemporaryDirectory() as name:
        save_adapter(networks, Path(name), "facebook/musicgen-small")
        written = sum(file.stat().st_size for file in Path(name).iterdir())
    return written / (4 * numbers), numbers


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=Path, default=Path("benchmark-runs"), help="where the demos are kept")
    options = parser.parse_args()
    seconds, peak = cost(["--help"], options.rounds)
    print(protocol.ratio_line("tunesmith --help, CPU-s", seconds, 0.2, at_least=False))
    measured(help_cpu_s=seconds, help_peak_mib=peak, nothing_to_do=nothing_to_do(options.runs, options.rounds))
    ratio, numbers = adapter_ratio()
    print(f"  adapter of rank 16 on musicgen-small: {numbers / 1e6:.2f} M numbers")
    print(protocol.ratio_line("adapter bytes over fp32 bytes", ratio, 1.1, at_least=False))
    measured(adapter_ratio=ratio, adapter_numbers=numbers)
    write_results(__file__)


if __name__ == "__main__":
    main()
