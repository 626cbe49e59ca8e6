"""Flags of a verb as overrides of the recipe, so that they are validated in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

LEAST_SECONDS = 0.1
"""As the recipe has it; said here of the flag by its own name."""


def as_overrides(section: str, prompts: Sequence[str] | None, **values: Any) -> list[str]:
    """Override texts for the flags that were given.

    Raises:
        TunesmithError: for a length that is not positive, or an empty prompt.
    """
    from tunesmith.recipe.overrides import override

    seconds = values.get("seconds")
    if seconds is not None and not seconds >= LEAST_SECONDS:
        raise TunesmithError(
            msg("{seconds:g} seconds cannot be generated", seconds=seconds),
            where="--seconds",
            remedy=msg("Ask for {least:g} or more.", least=LEAST_SECONDS),
        )
    found = [override(f"{section}.{key}", value) for key, value in values.items() if value is not None]
    if prompts:
        if not all(prompt.strip() for prompt in prompts):
            raise TunesmithError(
                msg("a prompt is empty"), where="--prompt", remedy=msg("Say what it should sound like.")
            )
        found.append(override(f"{section}.prompts", prompts))
    return found
