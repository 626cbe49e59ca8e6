"""How well learned ears tell voices and music apart, on recordings that nobody trained them on.

Recordings come from Debian packages, downloaded and unpacked into ``--cache``, and from espeak-ng, which has to be
installed; the ears by ``tunesmith ears install ge2e musicnn``. What an ear hears is kept in the cache voice by voice,
so that an interrupted run goes on where it was. Limits are fitted on the half ``fit`` of the voices.

    python benchmarks/ears.py               # voices and music: some ten minutes on one core
    python benchmarks/ears.py --part voices
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from ears_cases.heard import hear_all
from ears_cases.music import measure_music
from ears_cases.voices import check_figures, output_figures
from recording import measured, write_results
from tunesmith.speech.speaker_vector import ge2e

PARTS = ("voices", "music")


def main() -> None:
    """Measure the parts that were asked for; each is a run of its own in the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="one of them alone")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "tunesmith-benchmarks")
    options = parser.parse_args()
    for part in PARTS if options.part is None else (options.part,):
        figures = _voices(options.cache) if part == "voices" else measure_music(options.cache)
        measured(**figures)
        write_results(__file__, ["--part", part])


def _voices(cache: Path) -> dict[str, Any]:
    voice = ge2e()
    heard = hear_all(cache, voice)
    material: dict[str, dict[str, dict[str, int]]] = {}
    for one in heard:
        cell = material.setdefault(one.voice.half, {}).setdefault(one.voice.kind, {"voices": 0, "recordings": 0})
        cell["voices"] += 1
        cell["recordings"] += len(one.clips)
    figures = {"material": material, "check": check_figures(heard, voice), "outputs": output_figures(heard, voice)}
    for rule in ("check", "outputs"):
        _print(rule, figures[rule])
    return figures


def _print(rule: str, halves: Mapping[str, Any]) -> None:
    for half, kinds in halves.items():
        for kind, cases in kinds.items():
            told = ", ".join(f"{name} {cell['called']}/{cell['of']}" for name, cell in cases.items())
            print(f"{rule} {half} {kind}: {told}")


if __name__ == "__main__":
    main()
