"""The interface of listening models: a question with audio goes in, text comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tunesmith.errors import TunesmithError

if TYPE_CHECKING:
    import numpy as np

LISTEN_RATE = 16_000
"""Hz, mono: what every audio encoder of this kind was trained on."""
LONGEST_LISTEN_S = 29.0
"""Seconds that a model hears; at 30 s some ports of these encoders break."""
_QUOTED = 2000


@dataclass(frozen=True)
class Question:
    """One clip put to a model.

    Attributes:
        system: What the task is.
        text: What is known about this clip.
        audio: float32 (frames,) at 16 kHz, at most 29 s.
        refused: An earlier answer that could not be used, cut to 2000 characters, and why; empty at first.
    """

    system: str
    text: str
    audio: np.ndarray
    refused: tuple[str, str] | None = None

    def again(self, answer: str, why: str) -> Question:
        """The same question after an unusable answer."""
        complaint = f"That answer cannot be used: {why}. Answer again with the corrected JSON object and nothing else."
        return Question(self.system, self.text, self.audio, (answer[:_QUOTED], complaint))


class NoAnswerError(TunesmithError):
    """One clip got no answer; the next one may."""


class StalledError(NoAnswerError):
    """One clip got no answer in the time it was given: what serves the model may be stuck."""


class ListeningModel(Protocol):
    """A model that listens. ``name`` is the provider's, ``model`` tells it from others in the key of a label."""

    name: str
    model: str

    def answer(self, question: Question) -> str:
        """What the model says.

        Raises:
            NoAnswerError: when it does not answer about this clip.
            TunesmithError: when it will answer about no clip (no weights, no access), so that the run ends.
        """
