"""Prompts of the LLM: system turn, user turn, and the opening of the answer.

Two layouts exist. ``current`` is the chat template that ships with the weights since January 2026, encoded as one text.
``legacy`` is that of the first inference code, encoded turn by turn; for an edit it puts one space more before the
user's turn. The answer is audio ids and then ``<|EOT|>``, which the caller appends: the template leaves it out.

Source: ``config/prompts.py``, ``tts.py`` and the chat template of Step-Audio-EditX.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.edits import instruction
from tunesmith.families.step_audio.markup import BOS, BOT, EOT, refuse_control
from tunesmith.families.step_audio.text_tokenizer import TextTokenizer
from tunesmith.families.step_audio.tokens import Codes, audio_text

PromptStyle = Literal["current", "legacy"]
SPEAKER = "debug"
"""The speaker name in prompts of the current layout."""
_HASHED_SAMPLES = 1000
_SYSTEM, _HUMAN, _ASSISTANT = "system\n", "human\n", "assistant\n"

EDIT_SYSTEM = (
    "As a highly skilled audio editing and tuning specialist, you excel in interpreting user instructions and applying"
    " precise adjustments to meet their needs. Your expertise spans a wide range of enhancement capabilities, including"
    " but not limited to:\n"
    "# Emotional Enhancement\n"
    "# Speaking Style Transfer\n"
    "# Non-linguistic Adjustments\n"
    "# Audio Tuning & Editing\n"
    "Note: You will receive instructions in natural language and are expected to accurately interpret and execute the"
    " most suitable audio edits and enhancements.\n"
)


@dataclass(frozen=True)
class Turns:
    """Both turns of a prompt, as text with ``<audio_N>``.

    Attributes:
        system: What the model is, or the voice to speak with.
        user: What to say, or how to edit what.
        joined: Whether the user's turn continues the line of its role, without a space of its own (``legacy`` only).
    """

    system: str
    user: str
    joined: bool


def clone_turns(prompt_text: str, prompt_audio: str, target_text: str, speaker: str) -> Turns:
    """Turns that ask for ``target_text`` in the voice of the prompt (its text, and its audio as ``<audio_N>``)."""
    system = (
        "Generate audio with the following timbre, prosody and speaking style\n\n"
        f"[speaker_start]\nspeaker name: {speaker}\nspeaker prompt text: \n{prompt_text}\n"
        f"speaker audio tokens: \n{prompt_audio}\n[speaker_end]\n"
    )
    return Turns(system, target_text, joined=True)


def edit_turns(request: str, source_audio: str) -> Turns:
    """Turns that ask for an edit: its instruction, and the audio as ``<audio_N>``."""
    return Turns(EDIT_SYSTEM, f"{request}\n{source_audio}\n", joined=False)


def speaker_name(style: PromptStyle, prompt_text: str, wave: np.ndarray) -> str:
    """The speaker name that a layout's inference code puts into a clone's prompt.

    Args:
        style: The layout; the current one has one name for all.
        prompt_text: What the prompt says.
        wave: The prompt's samples as loaded, hashed as float32 (the first and the last thousand).
    """
    if style == "current":
        return SPEAKER
    samples = np.asarray(wave, np.float32).ravel()
    if samples.size > 2 * _HASHED_SAMPLES:
        samples = np.concatenate([samples[:_HASHED_SAMPLES], samples[-_HASHED_SAMPLES:]])
    return f"clone_{hashlib.sha256(prompt_text.encode() + samples.tobytes()).hexdigest()[:16]}"


def chat(turns: Turns) -> str:
    """The current layout as one text, as the chat template renders it with the opening of the answer."""
    return f"{BOS}{BOT} {_SYSTEM}{turns.system}{EOT}{BOT} {_HUMAN}{turns.user}{EOT}{BOT} {_ASSISTANT}"


def lay_out(text: TextTokenizer, turns: Turns, style: PromptStyle, ids: TokenIds) -> list[int]:
    """LLM ids of a prompt in either layout."""
    if style == "current":
        return text.encode(chat(turns))
    return [
        *(ids.bos, ids.bot, *text.encode(_SYSTEM + turns.system), ids.eot),
        *(ids.bot, *text.encode(_HUMAN), *text.encode(turns.user, dummy_prefix=not turns.joined), ids.eot),
        *(ids.bot, *text.encode(_ASSISTANT)),
    ]


def clone_prompt(
    text: TextTokenizer,
    *,
    prompt_text: str,
    prompt_ids: Codes,
    target_text: str,
    speaker: str,
    style: PromptStyle,
    ids: TokenIds,
) -> list[int]:
    """LLM ids of the prompt that asks for ``target_text`` in the voice of a prompt.

    Args:
        text: The checkpoint's text tokeniser.
        prompt_text: What the prompt says.
        prompt_ids: The prompt's LLM ids (:func:`~tunesmith.families.step_audio.tokens.pack`).
        target_text: What to say; pinyin with tone numbers steers the pronunciation.
        speaker: :func:`speaker_name`, or any other.
        style: The layout.
        ids: The checkpoint's ids.

    Raises:
        UnfitSampleError: when a text holds control tokens.
        TunesmithError: when an id is not of audio.
    """
    for given in (prompt_text, target_text, speaker):
        refuse_control(given)
    return lay_out(text, clone_turns(prompt_text, audio_text(prompt_ids, ids), target_text, speaker), style, ids)


def edit_prompt(
    text: TextTokenizer,
    *,
    edit_type: str,
    edit_info: str | None,
    source_text: str,
    source_ids: Codes,
    target_text: str | None,
    style: PromptStyle,
    ids: TokenIds,
) -> list[int]:
    """LLM ids of the prompt that asks for an edit.

    Args:
        text: The checkpoint's text tokeniser.
        edit_type: One of ``EDIT_TYPES`` that is not of the clone's form.
        edit_info: One of its values, or ``None``.
        source_text: What the source says.
        source_ids: The source's LLM ids.
        target_text: For ``paralinguistic``: the text with its tags.
        style: The layout.
        ids: The checkpoint's ids.

    Raises:
        UnfitSampleError: for a text with control tokens.
        TunesmithError: for an unknown edit, or an id that is not of audio.
    """
    request = instruction(edit_type, edit_info, source_text, target_text)
    refuse_control(request)
    return lay_out(text, edit_turns(request, audio_text(source_ids, ids)), style, ids)
