"""What a run was made with, for the record."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from tunesmith import __version__
from tunesmith.records.environment import BaseModelFacts, Environment
from tunesmith.run.base_card import base_model
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


def environment(context: RunContext) -> Environment:
    """Versions, platform, base model and command."""
    base = base_model(context)
    card = base.card
    return Environment(
        versions=versions(),
        platform=f"{platform.system()} {platform.machine()}",
        model=BaseModelFacts(
            path=base.path,
            family=base.family,
            licence=card.licence if card else None,
            parameters=card.parameters if card else None,
            sample_rate=card.sample_rate if card else None,
        ),
        command=context.command,
    )
