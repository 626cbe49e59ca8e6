"""The base of every section of a recipe, wherever the part lives that the section sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
LearningRate = Annotated[float, Field(gt=0, le=1000)]
"""Far beyond any that works; above it the numbers of a step overflow."""


Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Decides:
    """What a key of a recipe decides; every key has exactly one of these.

    Attributes:
        what: ``weights``: what is learnt. ``selection``: which weights become the best ones. ``cadence``: when
            something is saved, shown or logged. ``execution``: where and how fast; other rounding at most.
            ``outputs``: what is made after training.
        resumable: Of ``weights``: training can go on from a checkpoint under another value, when it is asked to.
        length: Of ``weights``: a greater value only means going on for longer, which needs no question.
        in_manifest: Of ``weights``: it works through the manifest alone, so that a value that changes nothing there
            changes nothing.
    """

    what: Literal["weights", "selection", "cadence", "execution", "outputs"]
    resumable: bool = False
    length: bool = False
    in_manifest: bool = False


WEIGHTS = Decides("weights")
RESUMABLE = Decides("weights", resumable=True)
LENGTH = Decides("weights", resumable=True, length=True)
CLIPS = Decides("weights", resumable=True, in_manifest=True)
SELECTION = Decides("selection")
CADENCE = Decides("cadence")
EXECUTION = Decides("execution")
OUTPUTS = Decides("outputs")


class Section(BaseModel):
    """Base of every section: unknown keys refused, docstrings become the schema's descriptions.

    Attributes:
        decides: What every key of the section decides that says nothing itself (``Annotated[int, CADENCE]``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
    decides: ClassVar[Decides | None] = None

    @classmethod
    def decided_by(cls, key: str) -> Decides | None:
        """What a key of this section decides; ``None`` where nobody has said so."""
        own = [one for one in cls.model_fields[key].metadata if isinstance(one, Decides)]
        return own[0] if own else cls.decides
