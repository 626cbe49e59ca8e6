"""Which prompts a run generates with, and where each comes from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.prompt import Prompt
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import evaluated_samples
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.families.contract import Family

LONGEST_PATH = 1024
"""Longer single lines are lyrics, not the name of a file."""


def choose_prompts(context: RunContext, user_prompts: Sequence[str], count: int, seconds: float) -> list[Prompt]:
    """The user's prompts; else held-out captions, repeated with new seeds up to ``count``; else built-in ones.

    Args:
        context: The run.
        user_prompts: The user's prompts.
        count: How many, where the user gave none.
        seconds: How long the results are; a clip's lyrics are cut to about what it sings in that time.
    """
    lyrics = asked_lyrics(context.recipe.generate.lyrics, context.family)
    if context.family.is_speech:
        from tunesmith.prompting.spoken import spoken_prompts

        return spoken_prompts(context, user_prompts, count)
    if user_prompts:
        return [Prompt(text, "user", lyrics=lyrics) for text in user_prompts]
    held_out: dict[str, Sample] = {}
    for sample in evaluated_samples(context.folder):
        if sample.split == "valid" and sample.texts.get("caption") and not is_replay(sample):
            held_out.setdefault(sample.texts["caption"], sample)
    if held_out:
        return [
            Prompt(text, "held_out", sample, lyrics or lyrics_of(sample, context.family, seconds))
            for text, sample in islice(cycle(held_out.items()), count)
        ]
    return [Prompt(text, "built_in", lyrics=lyrics) for text in context.family.generation.base_prompts()[:count]]


def asked_lyrics(lyrics: str, family: Family) -> str:
    """The recipe's lyrics: the text itself, or what is in the file it names.

    Raises:
        TunesmithError: when the file is not there, or the family does not sing.
    """
    if not lyrics.strip():
        return ""
    if "lyrics" not in family.type.text_roles:
        raise TunesmithError(
            msg("{family} takes no lyrics", family=family.name), where="generate.lyrics", remedy=msg("Leave them out.")
        )
    if "\n" in lyrics or len(lyrics) > LONGEST_PATH:
        return lyrics
    path = Path(lyrics).expanduser()
    if not path.is_file():
        if path.suffix.lower() == ".txt":
            raise TunesmithError(msg("there is no such lyrics file"), where=lyrics, remedy=msg("Check the path."))
        return lyrics
    from tunesmith.data.layouts.text_files import read_text

    return read_text(path)[0]


def lyrics_of(sample: Sample, family: Family, seconds: float) -> str:
    """A clip's lyrics as far as ``seconds`` of it go, by its share of the lines; all of them for a clip that short."""
    text = sample.texts.get("lyrics", "") if "lyrics" in family.type.text_roles else ""
    duration = sample.audios[family.type.audio_roles[-1]].duration
    if not text.strip() or not duration or duration <= seconds:
        return text
    lines = text.splitlines()
    sung = [i for i, line in enumerate(lines) if line.strip() and not re.fullmatch(r"\[[^\]]*\]", line.strip())]
    wanted = math.ceil(len(sung) * seconds / duration)
    return "\n".join(lines[: sung[wanted - 1] + 1]) if sung else text
