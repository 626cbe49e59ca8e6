"""What is trained on top of the frozen base: the recipe's ``adapter`` section, and what a family wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from tunesmith.records.settings import RESUMABLE, WEIGHTS, Positive, Section


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
    """What is trained of one network, where it differs from the rest of `adapter`."""

    kind: Annotated[Literal["lora", "dora", "full"] | None, WEIGHTS] = None
    """`full` trains the family's chosen part of the network itself instead of an adapter."""
    rank: Annotated[Annotated[int, Field(gt=0, le=1024)] | None, WEIGHTS] = None
    """Rank of the update."""
    alpha: Annotated[Positive | None, WEIGHTS] = None
    """Scale is alpha / rank."""
    dropout: Annotated[Annotated[float, Field(ge=0, lt=1)] | None, RESUMABLE] = None
    """Dropout on the adapter's input."""
    targets: Annotated[tuple[str, ...] | None, WEIGHTS] = None
    """Module name suffixes (for `full`: the beginnings of parameter names)."""
    learning_rate: Annotated[Positive | None, RESUMABLE] = None
    """Peak learning rate of this network; `train.learning_rate` when left out."""


class AdapterRecipe(Section):
    """What is trained on top of the frozen base."""

    kind: Annotated[Literal["lora", "dora", "full"], WEIGHTS] = "lora"
    """`dora` also learns each row's magnitude: slower, sometimes better at low rank. `full` trains the weights
    themselves, of families that name a part of a network for it."""
    rank: Annotated[int, Field(gt=0, le=1024), WEIGHTS] = 16
    """Rank of the update."""
    alpha: Annotated[Positive, WEIGHTS] = 16.0
    """Scale is alpha / rank (alpha / sqrt(rank) with rslora)."""
    dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.0
    """Dropout on the adapter's input. 0: the base was trained without dropout."""
    rslora: Annotated[bool, WEIGHTS] = False
    """Rank-stabilised scale, for ranks of 64 and more."""
    targets: Annotated[tuple[str, ...] | None, WEIGHTS] = None
    """Module name suffixes; the family's own list when left out."""
    networks: Annotated[dict[str, NetworkRecipe], WEIGHTS] = Field(default_factory=dict)
    """Other settings for one network of a family that trains several, by the network's name."""

    def of(self, network: str) -> AdapterRecipe:
        """The settings of one network."""
        settings = self.networks.get(network)
        values = settings.model_dump(exclude={"learning_rate"}, exclude_none=True) if settings else {}
        if settings and settings.kind and settings.kind != self.kind and settings.targets is None:
            values["targets"] = None  # suffixes of an adapter mean nothing to another kind
        return self.model_copy(update={**values, "networks": {}})
