"""Wheels of what a bare GPU machine lacks, into one folder: ``make device-wheels``.

Such a machine has Python 3.12, torch for its card, and what comes with torch; it reaches no registry. Everything that
the benchmark and the GPU's tests import is fetched here at the tested versions, without torch and without CUDA.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "device-wheels"
PYTHON = "3.12"
PLATFORMS = (
    *(f"manylinux_2_{number}_x86_64" for number in range(39, 16, -1)),
    "manylinux2014_x86_64",
    "manylinux1_x86_64",
)
ROOTS = ("bitsandbytes", "pytest", "torchao")
"""Beside what the project itself requires."""
THERE = frozenset({"torch", "triton", "setuptools"})
"""With the machine's own torch; nothing that only these need is fetched either, nor any ``nvidia-…``."""
UNUSED = frozenset({"tensorboard"})
"""Required, and not imported by what runs there."""


def pinned(constraints: Path) -> dict[str, str]:
    """The tested versions by canonical name."""
    lines = (line.partition("#")[0].strip() for line in constraints.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("==") for line in lines if line)
    return {canonicalize_name(name): version for name, version in pairs}


def needed(roots: Sequence[str]) -> list[str]:
    """Names of everything that the roots import when they are installed here, themselves included."""
    found: dict[str, None] = {}
    waiting = [canonicalize_name(name) for name in roots]
    while waiting:
        name = waiting.pop()
        if name in found or name in THERE | UNUSED or name.startswith("nvidia-"):
            continue
        found[name] = None
        waiting += [canonicalize_name(requirement.name) for requirement in _requirements(name)]
    return sorted(found)


def _requirements(name: str) -> list[Requirement]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:  # an optional one that is not installed here, whose needs are torch's
        return []
    machine = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "extra": ""}
    machine |= {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    parsed = (Requirement(line) for line in lines)
    return [each for each in parsed if each.marker is None or each.marker.evaluate(machine)]


def command(specifiers: Sequence[str], folder: Path) -> list[str]:
    """What pip is told."""
    platforms = [part for platform in PLATFORMS for part in ("--platform", platform)]
    options = ["--no-deps", "--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", *platforms]
    return [sys.executable, "-m", "pip", "download", "--quiet", *options, "--dest", str(folder), *specifiers]


def main(given: Sequence[str] | None = None) -> None:
    """Fetch them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--only", nargs="+", metavar="PACKAGE", help="these, where you know what the machine lacks")
    parser.add_argument("--list", action="store_true", help="print what would be fetched")
    options = parser.parse_args(given)
    versions = pinned(ROOT / "constraints.txt")
    own = [requirement.name for requirement in _requirements("tunesmith")]
    names = [canonicalize_name(name) for name in options.only or needed([*own, *ROOTS])]
    specifiers = [f"{name}=={versions[name]}" if name in versions else name for name in names]
    if options.list:
        print("\n".join(specifiers))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    subprocess.run(command(specifiers, options.out), check=True)
    wheels = list(options.out.glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels) / 2**20
    print(f"{len(wheels)} wheels, {size:.0f} MiB, in {options.out}")


if __name__ == "__main__":
    main()
