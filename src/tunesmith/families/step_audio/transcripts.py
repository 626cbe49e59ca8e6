"""Transcripts that are missing: written down by Whisper where its weights are, or taken from the other audio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from tunesmith.data.sample import CLONE, PROMPT, PROMPT_TEXT, AudioRef, Sample, edit_type
from tunesmith.ears.catalogue import WHISPER_TINY_EN, install_command
from tunesmith.families.step_audio.config import TOKENIZER_RATE
from tunesmith.families.step_audio.edits import EDIT_INFO
from tunesmith.families.step_audio.text_checks import TEXT_FIELDS, finding, lacks_text
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, all_of, msg

_REMEDY = msg(
    "Write it beside the clip or into the list, or download Whisper (`hf download openai/whisper-small`; of English "
    "with options.language=en also `{command}`) to have it transcribed; the flow alone trains without.",
    command=install_command(WHISPER_TINY_EN),
)
_NOT_AUDIBLE = msg("Write it into the list; what is to be added or spelt cannot be heard.")


class Transcribes(Protocol):
    """Whatever writes down speech."""

    name: str

    def transcribe(self, audio: np.ndarray, rate: int, language: str | None = None) -> str:
        """What is said in (N,) or (C, N) audio."""
        ...


def fill_texts(
    samples: Sequence[Sample], find: Callable[[], Transcribes | None], language: str | None = None
) -> tuple[list[Sample], list[Message]]:
    """Texts that the LLM needs and a sample lacks, as far as they can be found.

    An edit of emotion, style or speed leaves the words alone, so either text stands for both. Words to be added, or
    spelt for their sound, cannot be heard.

    Args:
        samples: With or without texts.
        find: Looks for Whisper; called only where a text is missing.
        language: What is spoken; Whisper tells by itself when ``None``.
    """
    filled = [_from_the_other(sample) for sample in samples]
    wanted = {ref: None for sample in filled for ref in _spoken_in(sample).values()}
    whisper = find() if wanted else None
    if whisper is None:
        return filled, []
    transcripts = {ref: _transcribed(ref, whisper, language) for ref in wanted}
    done = [_with_transcripts(sample, transcripts) for sample in filled]
    note = msg(
        "{count} clips had no transcript and were transcribed by {model}; write better ones beside them.",
        count=len(transcripts),
        model=whisper.name,
    )
    return done, [note]


def missing(samples: Sequence[Sample], *, llm: bool, flow: bool) -> Iterator[Finding]:
    """Which lines the LLM cannot learn from for want of a text: errors where nothing else learns from them."""
    for sample in samples:
        roles = lacks_text(sample)
        if llm and roles:
            names = all_of([TEXT_FIELDS[role] for role in roles])
            audible = "caption" not in roles or edit_type(sample.attributes) == CLONE
            remedy = _REMEDY if audible else _NOT_AUDIBLE
            if flow and PROMPT in sample.audios and sample.target is not None:
                message = msg("it has no {names}, so the LLM cannot learn from it; the flow does", names=names)
                yield finding(sample, "warn", message, remedy)
            else:
                message = msg("it has no {names}, so the LLM cannot learn from it", names=names)
                yield finding(sample, "error", message, remedy)


def _from_the_other(sample: Sample) -> Sample:
    same_words = bool(EDIT_INFO[edit_type(sample.attributes)])
    if same_words and PROMPT_TEXT in lacks_text(sample) and (text := sample.texts.get("caption", "").strip()):
        return replace(sample, texts={**sample.texts, PROMPT_TEXT: text})
    return sample


def _spoken_in(sample: Sample) -> dict[str, AudioRef]:
    """The audio in which each missing text is spoken."""
    kind, found = edit_type(sample.attributes), {}
    lacking = lacks_text(sample)
    if "caption" in lacking and kind == CLONE and sample.target is not None:
        found["caption"] = sample.target
    # A sample without a prompt is about to get one, with the transcript that the other clip has.
    if PROMPT_TEXT in lacking and PROMPT in sample.audios:
        found[PROMPT_TEXT] = sample.audios[PROMPT]
    return found


def _transcribed(ref: AudioRef, whisper: Transcribes, language: str | None) -> str:
    from tunesmith.data.load import load

    return whisper.transcribe(load(ref, TOKENIZER_RATE, 1), TOKENIZER_RATE, language).strip()


def _with_transcripts(sample: Sample, transcripts: dict[AudioRef, str]) -> Sample:
    texts = {role: transcripts[ref] for role, ref in _spoken_in(sample).items() if transcripts[ref]}
    return replace(sample, texts={**sample.texts, **texts}) if texts else sample
