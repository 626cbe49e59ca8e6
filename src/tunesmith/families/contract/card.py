"""Role card: what is known of a base model before its weights are loaded."""

from __future__ import annotations

from typing import Any

from tunesmith.families.contract.checkpoint import Checkpoint
from tunesmith.records.base_model import ModelCard, PhaseSpec, TransformerShape

__all__ = ["Card", "ModelCard", "PhaseSpec", "TransformerShape"]


class Card:
    """The facts of one base checkpoint, from names, configs and file headers alone.

    Args:
        checkpoint: The checkpoint.
        facts: Its facts, for a family that knows them without reading the checkpoint.
    """

    def __init__(self, checkpoint: Checkpoint[Any], facts: ModelCard | None = None) -> None:
        self.path, self._facts = checkpoint.path, facts

    def facts(self) -> ModelCard:
        """Facts of the base model, from its config alone.

        Raises:
            TunesmithError: when the checkpoint cannot be read.
        """
        if self._facts is None:
            raise NotImplementedError
        return self._facts

    def published(self) -> ModelCard | None:
        """Facts of the checkpoint if they are known without downloading it, for planning; ``None`` for any other."""
        return None

    @property
    def base_name(self) -> str:
        """What an adapter's config names as its base: where others find it."""
        return self.path

    @property
    def config_file(self) -> str:
        """A file that every checkpoint on the Hub has; in the local cache, the checkpoint was downloaded."""
        return "config.json"
