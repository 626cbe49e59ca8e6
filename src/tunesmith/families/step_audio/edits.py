"""What can be edited, and the instruction that asks for it, word for word as the model was trained on them.

Source: ``config/edit_config.py`` and ``_build_audio_edit_instruction`` of Step-Audio-EditX.
"""

from __future__ import annotations

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

CLONE, PRONUNCIATION, PARALINGUISTIC = "clone", "pronunciation", "paralinguistic"
REMOVE = "remove"

EDIT_INFO: dict[str, tuple[str, ...]] = {
    CLONE: (),
    "emotion": (
        *("happy", "angry", "sad", "humour", "confusion", "disgusted", "empathy", "embarrass", "fear", "surprised"),
        *("excited", "depressed", "coldness", "admiration", REMOVE),
    ),
    "style": (
        *("serious", "arrogant", "child", "older", "girl", "pure", "sister", "sweet", "ethereal", "whisper", "gentle"),
        *("recite", "generous", "act_coy", "warm", "shy", "comfort", "authority", "chat", "radio", "soulful", "story"),
        *("vivid", "program", "news", "advertising", "roar", "murmur", "shout", "deeply", "loudly", REMOVE),
        "exaggerated",
    ),
    "vad": (),
    "denoise": (),
    PARALINGUISTIC: (),
    "speed": ("faster", "slower", "more faster", "more slower"),
    PRONUNCIATION: (),
}
"""Values of ``edit_info`` by edit type; empty where the type takes none."""
EDIT_TYPES = tuple(EDIT_INFO)
WORDLESS = ("denoise", "vad")
"""Edits whose instruction holds no text."""

_QUALITY = "Ensure that the speech quality remains intact with minimal distortion, and eliminate all"
_ONLY_VOICE = "from the given audio while preserving the voice content clearly."
_ABOUT = "The text corresponding to the audio is:"
_REFERENCE = "in the following audio and the reference text is:"


def validate(edit_type: str, edit_info: str | None = None) -> None:
    """Raise unless the model knows this edit.

    ``edit_info`` may be absent everywhere (see :func:`is_generic`).

    Raises:
        TunesmithError: listing what there is, for an unknown type, an unknown ``edit_info``, or one too many.
    """
    if edit_type not in EDIT_INFO:
        raise TunesmithError(
            msg("there is no edit_type {edit_type!r}", edit_type=edit_type),
            remedy=msg("Choose one of {edit_types}.", edit_types=EDIT_TYPES),
        )
    known = EDIT_INFO[edit_type]
    if not edit_info or edit_info in known:
        return
    if not known:
        raise TunesmithError(
            msg(
                "edit_type {edit_type} takes no edit_info, not {edit_info!r}", edit_type=edit_type, edit_info=edit_info
            ),
            remedy=msg("Leave it out."),
        )
    raise TunesmithError(
        msg("edit_type {edit_type} has no edit_info {edit_info!r}", edit_type=edit_type, edit_info=edit_info),
        remedy=msg("Choose one of {edit_infos}.", edit_infos=known),
    )


def is_clone(edit_type: str) -> bool:
    """Whether the sample has the prompt of a clone; pronunciation is steered by pinyin in a clone's text."""
    return edit_type in (CLONE, PRONUNCIATION)


def is_generic(edit_type: str, edit_info: str | None) -> bool:
    """Whether the edit says not what to change to, so that its instruction names only the text."""
    return bool(EDIT_INFO.get(edit_type)) and not edit_info


def instruction(edit_type: str, edit_info: str | None, source_text: str, target_text: str | None = None) -> str:
    """What the user's turn of an edit asks for.

    Args:
        edit_type: One of :data:`EDIT_TYPES` that is not of the clone's form.
        edit_info: One of its values, or ``None``.
        source_text: What is said in the audio; its outer white space is left out.
        target_text: For ``paralinguistic``: the text with its tags (``[Laughter]``).

    Raises:
        TunesmithError: for an unknown edit, one of the clone's form, or ``paralinguistic`` without ``target_text``.
    """
    validate(edit_type, edit_info)
    if is_clone(edit_type):
        raise TunesmithError(
            msg("edit_type {edit_type} has no instruction", edit_type=edit_type),
            remedy=msg("Build the prompt of a clone instead."),
        )
    text = source_text.strip()
    if is_generic(edit_type, edit_info):
        return f"Edit the audio based on text: {text}\n"
    if edit_type == "denoise":
        return f"Remove any noise {_ONLY_VOICE} {_QUALITY} noise from the audio.\n"
    if edit_type == "vad":
        return f"Remove any silent portions {_ONLY_VOICE} {_QUALITY} silence from the audio.\n"
    if edit_type == PARALINGUISTIC:
        return _paralinguistic(text, target_text)
    style = edit_type == "style"
    if edit_info == REMOVE:
        return f"Remove any {'speaking styles' if style else 'emotion'} {_REFERENCE} {text}\n"
    return f"Make the following audio more {edit_info}{' style' if style else ''}. {_ABOUT} {text}\n"


def _paralinguistic(text: str, target_text: str | None) -> str:
    if not target_text:
        raise TunesmithError(
            msg("edit_type paralinguistic has no target_text"),
            remedy=msg("Give the text with its tags, such as [Laughter], as target_text."),
        )
    added = "Add some non-verbal sounds to make the audio more natural, the new text is :"
    return f"{added} {target_text}\n  {_ABOUT} {text}\n"
