"""What a text may hold beside words: control tokens that break a prompt, tags that the model knows as sounds.

Source of the tags: README and ``app.py`` of Step-Audio-EditX; those in lower case came with the weights of January
2026.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from tunesmith.errors import UnfitSampleError
from tunesmith.families.step_audio.tokens import AUDIO_TOKEN
from tunesmith.texts import msg

BOS, EOS, EOT, BOT = "<s>", "</s>", "<|EOT|>", "<|BOT|>"
CONTROL_TOKENS = (BOS, EOS, EOT, BOT)
PARALINGUISTIC_TAGS = (
    *("Breathing", "Laughter", "Sigh", "Uhm", "Confirmation-en", "Dissatisfaction-hnn"),
    *("Surprise-oh", "Surprise-ah", "Surprise-wa", "Surprise-yo", "Question-ei", "Question-ah", "Question-en"),
    *("Question-yi", "Question-oh"),
    *("sigh", "inhale", "exhale", "laugh", "chuckle", "giggle", "snort", "cough", "breath", "uhm", "clears throat"),
)
"""Sounds that ``paralinguistic`` adds, written in square brackets in the text."""
LANGUAGE_TAGS = ("Sichuanese", "Cantonese", "Japanese", "Korean")
"""Written in square brackets before a text."""

TAKE_IT_OUT = msg("Take it out of the text.")

_CONTROL = re.compile("|".join([*map(re.escape, CONTROL_TOKENS), AUDIO_TOKEN]))
_TAG = re.compile(r"\[([^\[\]\n]{1,40})\]")


def control_token(text: str) -> str | None:
    """The first control or audio token in a text, which the LLM would read as the end of a turn or as sound."""
    found = _CONTROL.search(text)
    return found[0] if found else None


def refuse_control(text: str) -> None:
    """Raise where a text that a user gave holds control or audio tokens, which would break its prompt apart.

    Raises:
        UnfitSampleError: naming the first one.
    """
    if token := control_token(text):
        raise UnfitSampleError(
            msg("the text holds {token}, which is a control token of the model", token=token),
            remedy=TAKE_IT_OUT,
        )


def unknown_tags(text: str) -> tuple[str, ...]:
    """Tags in a text that are neither sounds nor languages, in their order, as they are written."""
    known = {*PARALINGUISTIC_TAGS, *LANGUAGE_TAGS}
    return tuple(dict.fromkeys(f"[{tag}]" for tag in _TAG.findall(text) if tag not in known))


def closest_tag(tag: str) -> str | None:
    """The known tag that is written most like another, brackets included; ``None`` where none is."""
    known = {name.casefold(): name for name in sorted(PARALINGUISTIC_TAGS)}
    found = get_close_matches(tag.strip("[]").casefold(), known, n=1)
    return f"[{known[found[0]]}]" if found else None


def has_tag(text: str) -> bool:
    """Whether a text names any sound to be added."""
    return any(tag not in LANGUAGE_TAGS for tag in _TAG.findall(text))
