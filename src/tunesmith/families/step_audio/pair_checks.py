"""What a pair says that the model cannot take or does not know: control tokens, tags, one recording twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith.data.content import audio_key
from tunesmith.data.sample import PROMPT, Sample, edit_type
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.edits import PARALINGUISTIC
from tunesmith.families.step_audio.markup import (
    PARALINGUISTIC_TAGS,
    TAKE_IT_OUT,
    closest_tag,
    control_token,
    has_tag,
    unknown_tags,
)
from tunesmith.families.step_audio.text_checks import CHECKS, TEXT_FIELDS, finding
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg, with_remedy


def without_control(samples: Sequence[Sample]) -> tuple[list[Sample], list[Finding]]:
    """Samples whose texts hold no control token, and an error for each of the others.

    The LLM would read ``<|EOT|>`` as the end of a turn and ``<audio_5>`` as sound.
    """
    kept, findings = [], []
    for sample in samples:
        found = [(role, token) for role, text in sample.texts.items() if (token := control_token(text))]
        for role, token in found[:1]:
            message = msg(
                "its {field} holds {token}, which is a control token of the model",
                field=TEXT_FIELDS.get(role, role) if PROMPT in sample.audios or "line" in sample.attributes else "text",
                token=token,
            )
            findings.append(finding(sample, "error", message, TAKE_IT_OUT))
        kept += [] if found else [sample]
    return kept, findings


def pair_findings(sample: Sample) -> Iterator[Finding]:
    """Warns of a pair that teaches something else than it says: one recording twice, tags that stand for no sound."""
    if _is_one_recording(sample):
        message = msg("its prompt and its target are the same recording, which teaches to copy the prompt")
        yield finding(sample, "warn", message, msg("Name another recording of this voice as prompt_audio_path."))
    if edit_type(sample.attributes) != PARALINGUISTIC:
        return
    text = sample.texts.get("caption", "")
    if tags := unknown_tags(text):
        yield finding(sample, "warn", _unknown_tags_message(tags), _tag_remedy(tags))
    elif text.strip() and not has_tag(text):
        message = msg("its edit_type is paralinguistic, and its target_text names no sound to add")
        yield finding(sample, "warn", message, msg("Write a tag where the sound belongs, such as [Laughter]."))


def request_notes(kind: str, text: str, source_seconds: float | None) -> Iterator[Message]:
    """What to expect of a recording that is too long, and of tags that stand for no sound.

    Args:
        kind: The edit's type, or ``clone``.
        text: What is to be said.
        source_seconds: Length of the recording, if one was named.
    """
    most = CHECKS["max_seconds"]
    if source_seconds is not None and source_seconds > most:
        yield msg(
            "this recording has {seconds:.1f} s; over {most:g} s the model loses words and drifts from the voice",
            seconds=source_seconds,
            most=most,
        )
    if kind == PARALINGUISTIC and (tags := unknown_tags(text)):
        yield with_remedy(_unknown_tags_message(tags), _tag_remedy(tags))


def _unknown_tags_message(tags: Sequence[str]) -> Message:
    return msg("the model knows no tag {tags}, and may read it out", tags=tuple(tags))


def _tag_remedy(tags: Sequence[str]) -> Message:
    """Which tags there are, and which of them may be meant."""
    known = tuple(f"[{name}]" for name in PARALINGUISTIC_TAGS)
    if close := closest_tag(tags[0]):
        return msg("Is {tag} meant? It knows {known}.", tag=close, known=known)
    return msg("It knows {known}.", known=known)


def _is_one_recording(sample: Sample) -> bool:
    """Whether a sample's prompt and target are the same span of the same bytes, whatever the files are called."""
    prompt, target = sample.audios.get(PROMPT), sample.target
    if prompt is None or target is None or (prompt.start, prompt.end) != (target.start, target.end):
        return False
    try:
        same_size = Path(prompt.path).stat().st_size == Path(target.path).stat().st_size
        return prompt.path == target.path or (same_size and audio_key(prompt) == audio_key(target))
    except (OSError, TunesmithError):
        return prompt.path == target.path  # a file that cannot be read is what other checks speak of
