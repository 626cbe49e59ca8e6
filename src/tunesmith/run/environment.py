"""What a run was made with, for the record."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tunesmith import __version__
from tunesmith.run.context import RunContext

PACKAGES = ("torch", "transformers", "peft", "accelerate", "safetensors", "numpy", "soundfile", "soxr")


def versions() -> dict[str, str]:
    """Versions of what matters."""
    found = {"tunesmith": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def environment(context: RunContext) -> dict[str, Any]:
    """Versions, platform, base model and command."""
    return {
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "model": {"path": context.recipe.model.path, "family": context.family.name},
        "command": context.command,
    }
