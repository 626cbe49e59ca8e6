"""What there is to say about speech samples before anything is trained on them: edits, texts, audio tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tunesmith.data.sample import PROMPT, PROMPT_TEXT, Sample, edit_type
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import GROUP, TokenIds
from tunesmith.families.step_audio.edits import EDIT_INFO, PARALINGUISTIC, is_clone, is_generic, validate
from tunesmith.families.step_audio.tokens import audio_id, unpack
from tunesmith.records.findings import Finding, Level
from tunesmith.speech.syllables import syllables
from tunesmith.texts import Message, as_message, msg

CHECKS: dict[str, Any] = {
    "min_seconds": 0.5,
    "short_seconds": 1.0,
    "max_seconds": 30.0,
    "min_sample_rate": 16_000,
    "silent_share": 0.8,
    "silent_ends_share": 0.8,
    "fade_db": 30.0,
    "fade_share": 1.0,
    "loudness_spread": 20.0,
    "duplicate_score": 0.3,
}
"""Limits of the checks that suit speech: sentences are short, end softly and have pauses; over 30 s the model loses
words; the tokenisers never take less than 16 kHz; whispering is far quieter than shouting; the same voice and words
come again."""
TEXT_FIELDS = {"caption": "target_text", PROMPT_TEXT: "prompt_text"}
"""What the user's lists call the texts."""
PROMPT_TOKENS, TARGET_TOKENS = "prompt_tokens", "target_tokens"
_SLOWEST, _FASTEST = 0.5, 12.0
"""Syllables a second; nobody reads outside of this, so text and audio do not belong together."""
_FEWEST_SECONDS = 2.0


def validate_samples(samples: Sequence[Sample]) -> None:
    """Refuse edits that the model does not know.

    Raises:
        TunesmithError: at ``file:line``, with the list of what there is.
    """
    for sample in samples:
        kind = edit_type(sample.attributes)
        try:
            validate(kind, edit_info(sample) if EDIT_INFO.get(kind) else None)
        except TunesmithError as error:
            where = str(sample.attributes.get("line") or sample.id)
            raise TunesmithError(error.what, where=where, remedy=error.remedy) from error


def edit_info(sample: Sample) -> str | None:
    """What a sample's edit changes the audio to; ``None`` where it does not say."""
    value = sample.attributes.get("edit_info")
    return str(value) if value else None


def needs_text(sample: Sample) -> tuple[str, ...]:
    """Roles of the texts that the LLM's prompt for this sample holds."""
    kind = edit_type(sample.attributes)
    if is_clone(kind) or kind == PARALINGUISTIC:
        return ("caption", PROMPT_TEXT)
    return (PROMPT_TEXT,) if EDIT_INFO[kind] else ()


def lacks_text(sample: Sample) -> tuple[str, ...]:
    """Those of :func:`needs_text` that the sample does not have."""
    return tuple(role for role in needs_text(sample) if not sample.texts.get(role, "").strip())


def learners(sample: Sample) -> frozenset[str]:
    """Which networks can learn from a sample: ``llm`` (its texts and two audios or their tokens), ``flow`` (audios)."""
    audios = PROMPT in sample.audios and sample.target is not None
    tokens = PROMPT_TOKENS in sample.attributes and TARGET_TOKENS in sample.attributes
    llm = (audios or tokens) and not lacks_text(sample)
    return frozenset([*(["llm"] if llm else []), *(["flow"] if audios else [])])


def with_numbers(sample: Sample, ids: TokenIds) -> Sample:
    """The sample with its ready audio tokens as the numbers of ``<audio_N>``, whole groups only.

    Raises:
        TunesmithError: for numbers that stand for no audio code, or are out of phase.
    """
    made: dict[str, Any] = {}
    for name in (PROMPT_TOKENS, TARGET_TOKENS):
        if name in sample.attributes:
            numbers: list[int] = sample.attributes[name]
            whole = numbers[: len(numbers) // GROUP * GROUP]
            found = whole if whole and min(whole) >= ids.audio_base else [audio_id(number, ids) for number in whole]
            unpack(found, ids)
            made[name] = [token - ids.audio_base for token in found]
            if not whole:
                what = msg(
                    "{name} holds {count} audio tokens, and a group has {group}",
                    name=name,
                    count=len(numbers),
                    group=GROUP,
                )
                raise TunesmithError(what)
    return replace(sample, attributes={**sample.attributes, **made}) if made else sample


def checked_tokens(samples: Sequence[Sample], ids: TokenIds) -> tuple[list[Sample], list[Finding]]:
    """Samples with :func:`with_numbers`, and an error for each whose tokens are none."""
    kept, findings = [], []
    for sample in samples:
        try:
            kept.append(with_numbers(sample, ids))
        except TunesmithError as error:
            remedy = as_message(error.remedy) or msg("Extract them anew.")
            findings.append(finding(sample, "error", as_message(error.what), remedy))
    return kept, findings


def text_findings(sample: Sample) -> Iterator[Finding]:
    """Warns of a text that cannot be what the audio says, by how fast it would have to be spoken."""
    text, seconds = sample.texts.get("caption", ""), sample.seconds
    spoken = syllables(text)
    if not spoken or seconds < _FEWEST_SECONDS or _SLOWEST <= spoken / seconds <= _FASTEST:
        return
    rate = spoken / seconds
    message = msg(
        "its text has about {syllables} syllables for {seconds:.1f} s, {rate:.1f} a second",
        syllables=spoken,
        seconds=seconds,
        rate=rate,
    )
    made = finding(sample, "warn", message, msg("See whether the text belongs to this clip."))
    limit = _FASTEST if rate > _FASTEST else _SLOWEST
    yield made.model_copy(update={"value": rate, "limit": limit, "unit": "syllables/s"})


def edit_findings(samples: Sequence[Sample]) -> Iterator[Finding]:
    """Warns of edits that do not say what to change to; once for each type."""
    for kind, (number, first) in _counted(samples, is_generic).items():
        yield Finding(
            check="speech",
            level="warn",
            clip="*",
            message=msg(
                "{count} lines of edit_type {kind} have no edit_info (the first: {first}); their instruction only says "
                "`Edit the audio based on text`, not what to change",
                count=number,
                kind=kind,
                first=first,
            ),
            value=number,
            limit=0,
            unit="lines",
            remedy=msg("Give each its edit_info: {values}…", values=EDIT_INFO[kind][:3]),
        )


def edit_notes(samples: Sequence[Sample]) -> Iterator[Message]:
    """What edits say that their type has no use for; once for each type."""
    for kind, (number, first) in _counted(samples, lambda kind, info: bool(info) and not EDIT_INFO[kind]).items():
        yield msg(
            "{count} lines of edit_type {kind} have an edit_info (the first: {first}); it is not used, this type takes "
            "none.",
            count=number,
            kind=kind,
            first=first,
        )


def finding(sample: Sample, level: Level, message: Message, remedy: Message) -> Finding:
    """A finding of this family about one sample, with the line that lists it."""
    line = sample.attributes.get("line")
    located = msg("{said} ({line})", said=message, line=line) if line else message
    return Finding(check="speech", level=level, clip=sample.id, message=located, remedy=remedy)


def _counted(samples: Sequence[Sample], wanted: Callable[[str, str | None], bool]) -> dict[str, tuple[int, str]]:
    """How many samples of each edit type are ``wanted``, and the first of them."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for sample in samples:
        kind = edit_type(sample.attributes)
        if wanted(kind, edit_info(sample)):
            counts[kind] += sample.repeats
            first.setdefault(kind, str(sample.attributes.get("line") or sample.id))
    return {kind: (number, first[kind]) for kind, number in counts.items()}
