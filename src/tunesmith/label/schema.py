"""What a listening model must answer: five descriptions, an analysis, and whether it is rap.

Field names are those of the recaption that people already keep for ACE-Step, so their files and ours are one.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

LONGEST_TEXT = 200
"""Characters of one description."""

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Analysis(BaseModel):
    """What is heard, as lists."""

    model_config = ConfigDict(extra="forbid")

    genre: Annotated[list[Word], Field(min_length=1, max_length=6)]
    instruments: Annotated[list[Word], Field(max_length=12)]
    tempo: ShortText
    mood: Annotated[list[Word], Field(max_length=6)]


class Recaption(BaseModel):
    """The whole answer."""

    model_config = ConfigDict(extra="forbid")

    simplified: ShortText
    expanded: ShortText
    descriptive: ShortText
    synonyms: ShortText
    use_cases: ShortText
    analysis: Analysis
    lyrical_rap_check: StrictBool


def json_schema() -> dict[str, Any]:
    """The JSON schema of an answer, for servers that can hold a model to one."""
    return Recaption.model_json_schema()
