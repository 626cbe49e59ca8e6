"""A prompt and where it comes from: the record that requests are made of and results are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.data.sample import PROMPT_TEXT, SPEAKER, AudioRef, Sample, edit_type

PromptKind = Literal["user", "held_out", "built_in", "base_style"]


@dataclass(frozen=True)
class Prompt:
    """A prompt and where it comes from.

    Attributes:
        text: The prompt itself; of speech, what to say.
        kind: Its origin.
        sample: The clip whose caption it is, if any.
        lyrics: Its lyrics, where the family sings.
        voice: The sample whose prompt audio is spoken like, or edited, where the family speaks.
    """

    text: str
    kind: PromptKind
    sample: Sample | None = None
    lyrics: str = ""
    voice: Sample | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Texts by role, as a request carries them; a clip's own speaker vector by its path."""
        prompt_text = self.voice.texts.get(PROMPT_TEXT, "") if self.voice else ""
        speaker = str(self.sample.attributes.get(SPEAKER) or "") if self.sample else ""
        further = {"lyrics": self.lyrics, PROMPT_TEXT: prompt_text, SPEAKER: speaker}
        return {"caption": self.text} | {role: text for role, text in further.items() if text}

    @property
    def recording(self) -> AudioRef | None:
        """The true result, which only a held-out sample has."""
        return self.sample.target if self.sample is not None and self.kind == "held_out" else None

    @property
    def edit_type(self) -> str:
        """The kind of edit that a held-out sample asks for; cloning for any other text."""
        return edit_type(self.sample.attributes if self.sample else {})

    @property
    def edit(self) -> dict[str, Any]:
        """The options that name a held-out sample's edit; empty for texts that leave it to the recipe."""
        if self.sample is None:
            return {}
        info = self.sample.attributes.get("edit_info")
        return {"edit_type": self.edit_type} | ({"edit_info": info} if info else {})
