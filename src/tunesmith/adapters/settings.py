"""What is trained on top of the frozen base: the recipe's ``adapter`` section, and what a family wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from tunesmith.records.settings import RESUMABLE, WEIGHTS, LearningRate, Positive, Section


@dataclass(frozen=True)
class AdapterDefaults:
    """Which modules of one network an adapter goes on, by name suffix, with rank and alpha that suit them.

    ``full`` names what ``kind: full`` trains instead, by the beginnings of parameter names; none cannot be.
    """

    targets: tuple[str, ...]
    rank: int
    alpha: float
    full: tuple[str, ...] = ()


class NetworkRecipe(Section):
    """This is trained of one network, where it differs from the rest of `adapter`."""

    kind: Annotated[Literal["lora", "dora", "full"] | None, WEIGHTS] = None
    """`full` trains the family's chosen part of the network itself instead of an adapter."""
    rank: Annotated[Annotated[int, Field(gt=0, le=1024)] | None, WEIGHTS] = None
    """The update has this rank."""
    alpha: Annotated[Positive | None, WEIGHTS] = None
    """The scale is alpha / rank."""
    dropout: Annotated[Annotated[float, Field(ge=0, lt=1)] | None, RESUMABLE] = None
    """The adapter's input has this dropout."""
    targets: Annotated[tuple[str, ...] | None, WEIGHTS] = None
    """Modules whose names end so are adapted (for `full`, parameters whose names begin so are trained)."""
    learning_rate: Annotated[LearningRate | None, RESUMABLE] = None
    """This network's learning rate rises to this peak; `train.learning_rate` counts when it is left out."""


class AdapterRecipe(Section):
    """This is trained on top of the frozen base."""

    kind: Annotated[Literal["lora", "dora", "full"], WEIGHTS] = "lora"
    """`dora` also learns each row's magnitude: it is slower, and sometimes better at low rank. `full` trains the
    weights themselves, of families that name a part of a network for it."""
    rank: Annotated[int, Field(gt=0, le=1024), WEIGHTS] = 16
    """The update has this rank."""
    alpha: Annotated[Positive, WEIGHTS] = 16.0
    """The scale is alpha / rank (alpha / sqrt(rank) with rslora)."""
    dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.0
    """The adapter's input has this dropout. 0 is right where the base was trained without."""
    rslora: Annotated[bool, WEIGHTS] = False
    """The scale is rank-stabilised, which suits ranks of 64 and more."""
    targets: Annotated[tuple[str, ...] | None, WEIGHTS] = None
    """Modules whose names end so are adapted; the family's own list counts when this is left out."""
    networks: Annotated[dict[str, NetworkRecipe], WEIGHTS] = Field(default_factory=dict)
    """Networks of a family that trains several have their own settings here, by name."""

    def of(self, network: str) -> AdapterRecipe:
        """The settings of one network."""
        settings = self.networks.get(network)
        values = settings.model_dump(exclude={"learning_rate"}, exclude_none=True) if settings else {}
        if settings and settings.kind and settings.kind != self.kind and settings.targets is None:
            values["targets"] = None  # suffixes of an adapter mean nothing to another kind
        return self.model_copy(update={**values, "networks": {}})
