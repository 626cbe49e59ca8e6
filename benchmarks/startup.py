"""What starting costs (``tunesmith --help``) and what an adapter on disk costs over its numbers."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import protocol
from recording import measured, write_results


def help_seconds(rounds: int) -> float:
    """Processor seconds of the fastest ``tunesmith --help`` in a process of its own."""
    fastest = float("inf")
    for _ in range(rounds + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "tunesmith", "--help"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        fastest = min(fastest, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return fastest


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
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    seconds = help_seconds(options.rounds)
    print(protocol.ratio_line("tunesmith --help, CPU-s", seconds, 0.5, at_least=False))
    ratio, numbers = adapter_ratio()
    print(f"  adapter of rank 16 on musicgen-small: {numbers / 1e6:.2f} M numbers")
    print(protocol.ratio_line("adapter bytes over fp32 bytes", ratio, 1.1, at_least=False))
    measured(help_cpu_s=seconds, adapter_ratio=ratio, adapter_numbers=numbers)
    write_results(__file__)


if __name__ == "__main__":
    main()
