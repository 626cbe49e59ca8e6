"""Role adapters: which layers get adapters, how adapters are applied, and in which formats they are exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn


class Adapters:
    """Adapters of a family.

    Args:
        defaults: Default targets per network, for a family whose targets do not depend on the checkpoint.
    """

    def __init__(self, defaults: Mapping[str, AdapterDefaults] | None = None) -> None:
        self._defaults = dict(defaults or {})

    def defaults(self) -> dict[str, AdapterDefaults]:
        """Adapter targets per network."""
        return dict(self._defaults)

    def warnings(self, targets: Sequence[str], kind: str) -> list[Message]:
        """What a user should know of an adapter on these targets (``kind``: lora or dora) before it is trained."""
        return []

    def apply(self, networks: Mapping[str, nn.Module], loras: Sequence[str]) -> list[Message]:
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
        """Formats besides a PEFT folder: name to a function that converts a PEFT folder into a target folder."""
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
