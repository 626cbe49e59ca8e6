"""A base checkpoint and the settings it is used with: what the roles of one family share."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

from tunesmith.pocket.shipped import is_pocket_model
from tunesmith.records.settings import Section
from tunesmith.texts import Message


class FamilySettings(Section):
    """Base of a family's own options (the recipe's ``options:`` section); unknown keys are refused."""

    def unused(self, seconds: float) -> dict[str, Message]:
        """Options that change nothing under the others, by name, with the reason.

        Args:
            seconds: Length of what is generated.
        """
        return {}


Settings = TypeVar("Settings", bound=FamilySettings)


class Checkpoint(Generic[Settings]):
    """One base checkpoint.

    Args:
        path: A hub id, a local folder, ``pocket`` or ``pocket/<family>``.
        settings: The family's own options.
        revision: Hub revision to take the weights from.
    """

    def __init__(self, path: str, settings: Settings, revision: str | None = None) -> None:
        self.path, self.settings, self.revision = path, settings, revision

    @property
    def folder(self) -> Path:
        """The checkpoint's local folder; a family that publishes on the Hub downloads it."""
        return Path(self.path)

    @property
    def pocket(self) -> bool:
        """Whether this is a tiny model that ships with Tunesmith, by its name or by the path of its folder."""
        return is_pocket_model(self.path)
