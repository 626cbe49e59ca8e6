"""The family's own options: the recipe's ``options:`` section."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tunesmith.families.contract import FamilySettings
from tunesmith.records.settings import OUTPUTS, RESUMABLE
from tunesmith.texts import Message, msg

WINDOW = 30.0
LIKELIEST = msg("at temperature 0 the likeliest code is taken")


class MusicGenSettings(FamilySettings):
    """These are MusicGen's own options."""

    text_dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.1
    """This share of the clips is trained without caption, so that guidance keeps a sound unconditional side; AudioCraft
    takes 0.1 to 0.3."""
    guidance: Annotated[float, Field(ge=0, le=50), OUTPUTS] = 3.0
    """Classifier-free guidance has this strength when generating; 1 turns it off. 3 is AudioCraft's and transformers'
    default."""
    temperature: Annotated[float, Field(ge=0, le=10), OUTPUTS] = 1.0
    """Codes are sampled at this temperature; 0 takes the most likely one."""
    top_k: Annotated[int, Field(gt=0), OUTPUTS] = 250
    """They are sampled among so many of the likeliest; 250 is AudioCraft's default."""
    extend_stride: Annotated[float, Field(gt=0, lt=30), OUTPUTS] = 18.0
    """Beyond the window of 30 s each further window adds so many seconds; 18 is AudioCraft's default."""

    def unused(self, seconds: float) -> dict[str, Message]:
        """The stride, where one window is enough; the choice among codes, where the likeliest is taken."""
        found = {} if seconds > WINDOW else {"extend_stride": msg("30 s and less are generated in one window")}
        return {**found, "top_k": LIKELIEST} if self.temperature == 0 else found
