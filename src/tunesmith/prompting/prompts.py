"""Which prompts a run generates with, and where each comes from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tunesmith.data.replay import is_replay
from tunesmith.data.sample import PROMPT_TEXT, AudioRef, Sample, read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.run.context import RunContext
from tunesmith.speech.tools import edit_type

if TYPE_CHECKING:
    from tunesmith.families.contract import Family

LONGEST_PATH = 1024
"""Longer single lines are lyrics, not the name of a file."""
Kind = Literal["user", "held_out", "built_in", "base_style"]


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
    kind: Kind
    sample: Sample | None = None
    lyrics: str = ""
    voice: Sample | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Texts by role, as a request carries them."""
        said = self.voice.texts.get(PROMPT_TEXT, "") if self.voice else ""
        further = {"lyrics": self.lyrics, PROMPT_TEXT: said}
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


def choose_prompts(context: RunContext, asked: Sequence[str], count: int, seconds: float) -> list[Prompt]:
    """The user's prompts; else held-out captions, repeated with new seeds up to ``count``; else built-in ones.

    Args:
        context: The run.
        asked: The user's prompts.
        count: How many, where the user gave none.
        seconds: How long the results are; a clip's lyrics are cut to about what it sings in that time.
    """
    lyrics = asked_lyrics(context.recipe.generate.lyrics, context.family)
    if context.family.speech() is not None:
        from tunesmith.prompting.speech import spoken_prompts

        return spoken_prompts(context, asked, count)
    if asked:
        return [Prompt(text, "user", lyrics=lyrics) for text in asked]
    held_out: dict[str, Sample] = {}
    if context.folder.manifest.exists():
        for sample in read_manifest(context.folder.manifest):
            if sample.split == "valid" and sample.texts.get("caption") and not is_replay(sample):
                held_out.setdefault(sample.texts["caption"], sample)
    if held_out:
        return [
            Prompt(text, "held_out", sample, lyrics or lyrics_of(sample, context.family, seconds))
            for text, sample in islice(cycle(held_out.items()), count)
        ]
    return [Prompt(text, "built_in", lyrics=lyrics) for text in context.family.base_prompts()[:count]]


def asked_lyrics(lyrics: str, family: Family) -> str:
    """The recipe's lyrics: the text itself, or what is in the file it names.

    Raises:
        TunesmithError: when the file is not there, or the family does not sing.
    """
    if not lyrics.strip():
        return ""
    if "lyrics" not in family.text_roles:
        raise TunesmithError(f"{family.name} takes no lyrics", where="generate.lyrics", remedy="Leave them out.")
    if "\n" in lyrics or len(lyrics) > LONGEST_PATH:
        return lyrics
    path = Path(lyrics).expanduser()
    if not path.is_file():
        if path.suffix.lower() == ".txt":
            raise TunesmithError("there is no such lyrics file", where=lyrics, remedy="Check the path.")
        return lyrics
    from tunesmith.data.layouts.walk import read_text

    return read_text(path)[0]


def lyrics_of(sample: Sample, family: Family, seconds: float) -> str:
    """A clip's lyrics as far as ``seconds`` of it go, by its share of the lines; all of them for a clip that short."""
    text = sample.texts.get("lyrics", "") if "lyrics" in family.text_roles else ""
    duration = sample.audios[family.audio_roles[-1]].duration
    if not text.strip() or not duration or duration <= seconds:
        return text
    lines = text.splitlines()
    sung = [i for i, line in enumerate(lines) if line.strip() and not re.fullmatch(r"\[[^\]]*\]", line.strip())]
    wanted = math.ceil(len(sung) * seconds / duration)
    return "\n".join(lines[: sung[wanted - 1] + 1]) if sung else text
