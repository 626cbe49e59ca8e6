"""Role adapters: where adapters go, and how they leave the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

if TYPE_CHECKING:
    from torch import nn


class Adapters:
    """Adapters of a family.

    Args:
        defaults: Where an adapter goes on each network, of a family that need not work it out.
    """

    def __init__(self, defaults: Mapping[str, AdapterDefaults] | None = None) -> None:
        self._defaults = dict(defaults or {})

    def defaults(self) -> dict[str, AdapterDefaults]:
        """Adapter targets per network."""
        return dict(self._defaults)

    def warnings(self, targets: Sequence[str], kind: str) -> list[str]:
        """What a user should know of an adapter on these targets (``kind``: lora or dora) before it is trained."""
        return []

    def apply(self, networks: Mapping[str, nn.Module], loras: Sequence[str]) -> list[str]:
        """Add several adapters (``path:strength``) to base networks at once; returns notes for the user.

        Raises:
            TunesmithError: where the family takes one at a time.
        """
        raise TunesmithError(
            msg("this family takes one adapter at a time"),
            where="generate.loras",
            remedy=msg("Use the run's own adapter."),
        )

    def formats(self) -> dict[str, Callable[[Path, Path], None]]:
        """How else than as a PEFT folder an adapter can be written: name to a function of PEFT folder and target."""
        return {}

    def write_extra_files(self, folder: Path) -> None:
        """Add to a saved PEFT folder the file that the family's own tools load; nothing where they load PEFT's."""
        return

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """Write the whole model with the adapter merged, in the family's own published format.

        Raises:
            TunesmithError: where the family has no such format.
        """
        raise TunesmithError(
            msg("this family has no merged export"), remedy=msg("Export the adapter alone, without --merged.")
        )
