"""What every stage is given: the folder, the recipe, the family, and a way to speak to the user."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tunesmith.recipe.models import Recipe
from tunesmith.run.folder import RunFolder
from tunesmith.run.voice import Voice

if TYPE_CHECKING:
    from tunesmith.families.contract import Family


@dataclass(frozen=True)
class RunContext:
    """One run while it works.

    Attributes:
        folder: Where everything is kept.
        recipe: The resolved recipe.
        voice: Prints, draws progress bars and writes the log.
        command: What the user typed, for the record.
    """

    folder: RunFolder
    recipe: Recipe
    voice: Voice
    command: str = ""

    @cached_property
    def family(self) -> Family:
        """The family over the recipe's base model."""
        from tunesmith.families.registry import make_family
        from tunesmith.pocket.examples import is_pocket

        if is_pocket(self.recipe.model.path):
            import torch

            torch.set_num_threads(1)  # on tensors this small a second thread costs far more than it brings
        model = self.recipe.model
        return make_family(model.path, model.family, self.recipe.options, model.revision)
