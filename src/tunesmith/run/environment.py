"""What a run was made with, for the record."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tunesmith import __version__
from tunesmith.run.base_card import card_for_planning
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
    model: dict[str, Any] = {"path": context.recipe.model.path, "family": context.family.name}
    known = card_for_planning(context.recipe)
    if known is not None:
        card, _ = known
        model |= {"licence": card.licence, "parameters": card.parameters, "sample_rate": card.sample_rate}
    return {
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "model": model,
        "command": context.command,
    }
