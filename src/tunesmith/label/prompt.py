"""The words that a listening model is given: the task, and what is known about the clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.data.labels import ClipMeasurements
from tunesmith.data.layouts.text_files import read_text
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

SYSTEM = """\
You write labels for music that a text-to-music model will learn from. Listen to the recording, then answer with one \
JSON object and nothing around it: no code fence, no remark.

Go by the sound alone. What a voice sings or raps about is no evidence: do not quote, translate or paraphrase it, take \
no genre or mood from it, and name an instrument only if it is played, never because a lyric mentions it.

Each message may list valid tags, which the owner of the recording gave: take them as true. Without such a list, the \
tags are those you would give. Values that were measured from the recording are exact; do not contradict them.

The keys, all required, the first five each a text of 1 to 200 characters, in English:
"simplified": the single tag that says most about the recording.
"expanded": the tags, comma-separated, widened by related sub-genres and playing techniques that can be heard.
"descriptive": one vivid sentence about timbre, space, rhythm and movement.
"synonyms": the tags, comma-separated, each put in another usual word for it.
"use_cases": what such music would be used for.
"analysis": an object with "genre" (a list of 1 to 6), "instruments" (a list of 0 to 12, every one that is heard), \
"tempo" (a text) and "mood" (a list of 0 to 6); list items are short and hold no commas.
"lyrical_rap_check": true if the main voice raps words, otherwise false.
"""


def system_prompt(file: Path | None) -> str:
    """Our prompt, or the user's own.

    Raises:
        TunesmithError: for a file that is missing or empty.
    """
    if file is None:
        return SYSTEM
    text, _ = read_text(file)
    if not text:
        raise TunesmithError(
            msg("this prompt is empty"), where=str(file), remedy=msg("Write the instruction for the model.")
        )
    return text


def about_clip(measured: ClipMeasurements, tags: Sequence[str], span: tuple[float, float]) -> str:
    """What the model is told about one clip.

    Args:
        measured: What was measured.
        tags: The user's own tags.
        span: Start and end, in seconds, of what the model hears.
    """
    start, end = span
    facts = [f"length {measured.seconds:.1f} s"]
    facts += [f"tempo {measured.bpm:.0f} bpm"] if measured.bpm else []
    facts += [f"key {measured.key}"] if measured.key else []
    lines = [f"Measured: {', '.join(facts)}."]
    if end - start < measured.seconds:
        lines.append(f"You hear {start:.1f} s to {end:.1f} s of it.")
    if tags:
        lines.append(f"Valid tags: {', '.join(tags)}.")
    return "\n".join([*lines, "Label this recording."])
