"""What a run was made with, for the record."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from tunesmith import __version__
from tunesmith.errors import TunesmithError
from tunesmith.records.environment import BaseModelFacts, Environment, PrecisionTrial
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
    """Versions, platform, base model and command; which precision training tried stays as it wrote it."""
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
        precision=_tried(context),
    )


def _tried(context: RunContext) -> PrecisionTrial | None:
    file = context.folder.environment
    try:
        return Environment.read(file).precision if file.exists() else None
    except TunesmithError:  # a damaged file is written anew
        return None
