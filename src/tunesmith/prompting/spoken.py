"""Which prompts a speaking family generates with, and what each of its requests carries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.mapped_manifest import own_samples, samples_on, those_of
from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import CLONE, PROMPT, PROMPT_TEXT, AudioRef, Sample, edit_type
from tunesmith.errors import TunesmithError
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import evaluated_samples
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.families.contract import Family, GenerationRequest

CLONES = (CLONE, "pronunciation")
"""Kinds whose result is spoken anew in a voice; any other edits a recording."""
NEW_WORDS = "paralinguistic"
"""The edit whose result says another text than its source."""
_ROOM = 2.0
"""How many times its likely length speech may take before it is cut off."""


def spoken_prompts(context: RunContext, user_texts: Sequence[str], count: int) -> list[Prompt]:
    """The user's texts in the voices of held-out samples; else held-out samples, their edit types by turns.

    Args:
        context: The run.
        user_texts: The user's texts.
        count: How many prompts where the user gave none; with fewer samples they come again with new seeds.
    """
    samples = voiced_samples(context)
    held_out = samples_on(samples, "valid")
    voices = _of_user([s for s in held_out or samples if edit_type(s.attributes) == CLONE] or held_out or samples)
    if user_texts:
        return _in_voices(user_texts, "user", voices)
    if held_out:
        return [prompt_of(sample) for sample in by_turns(held_out, count)]
    return _in_voices(context.family.generation.base_prompts()[:count], "built_in", voices)


def base_style_prompts(context: RunContext, texts: Sequence[str]) -> list[Prompt]:
    """Texts in the base model's own range, in voices of the run's samples, and every edit it knows of what they say."""
    samples = _of_user(voiced_samples(context))
    clones = _in_voices(texts, "base_style", samples)
    voices = [s for s in samples if s.texts.get(PROMPT_TEXT, "").strip()]
    edits = context.family.generation.base_edits() if voices and texts else ()
    return clones + [_edited(voices[(len(texts) + i) % len(voices)], *edit) for i, edit in enumerate(edits)]


def _edited(voice: Sample, kind: str, info: str) -> Prompt:
    """A base-style prompt that edits what a sample's prompt says."""
    prompt_text = voice.texts[PROMPT_TEXT]
    attributes = {"edit_type": kind} | ({"edit_info": info} if info else {})
    return Prompt(prompt_text, "base_style", replace(voice, attributes=attributes), voice=voice)


def prompt_of(sample: Sample) -> Prompt:
    """The prompt that a held-out sample stands for."""
    return Prompt(sample.texts.get("caption", ""), "held_out", sample, voice=sample)


def _of_user(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The user's own samples, whose voice is learnt; all samples where every one is from the replay set."""
    return own_samples(samples) or samples


def voiced_samples(context: RunContext) -> Sequence[Sample]:
    """The run's samples that have a voice; where none has (audio tokens alone), the recording the recipe names."""
    found = evaluated_samples(context.folder)
    voiced = (PROMPT in sample.audios and _can_be_read(sample.audios[PROMPT]) for sample in found)
    samples = those_of(found, np.fromiter(voiced, bool, len(found)))
    recipe = context.recipe.generate
    if samples or not recipe.source:
        return samples
    return [Sample("generate.source", {PROMPT: AudioRef(recipe.source)}, {PROMPT_TEXT: recipe.source_prompt})]


def _can_be_read(ref: AudioRef) -> bool:
    """Whether a recording is still one, by its header."""
    from tunesmith.audio.decode import probe

    try:
        return probe(ref.path).seconds > ref.start
    except UnreadableAudioError:
        return False


def _in_voices(texts: Sequence[str], kind: Any, voices: Sequence[Sample]) -> list[Prompt]:
    return [Prompt(text, kind, voice=voices[i % len(voices)] if voices else None) for i, text in enumerate(texts)]


def by_turns(samples: Sequence[Sample], count: int) -> list[Sample]:
    """``count`` samples, every edit type as often (cloning first); those of a type with few come again."""
    kinds: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        kinds[edit_type(sample.attributes)].append(sample)
    order = sorted(kinds, key=lambda kind: (kind != CLONE, kind))
    turns = islice(zip(*(cycle(kinds[kind]) for kind in order), strict=True), -(-count // len(order)))
    return list(chain.from_iterable(turns))[:count]


def spoken_request(
    prompt: Prompt, family: Family, seconds: float, seed: int, *, with_target: bool = False
) -> GenerationRequest:
    """A request with the prompt's audio and text and, for a held-out sample, its edit.

    Args:
        prompt: What to say, and in whose voice.
        family: Says at which rate its prompt is loaded.
        seconds: The recipe's length; more where the text will take longer.
        seed: The item's own seed.
        with_target: Bring the sample's own recording as well, for those that speak its codes.
    """
    from tunesmith.families.contract import GenerationRequest
    from tunesmith.speech.duration import likely_seconds

    source = {} if prompt.voice is None else {PROMPT: recording(prompt.voice.audios[PROMPT], family)}
    if with_target and prompt.sample and (target := prompt.sample.target):
        source[family.type.audio_roles[-1]] = recording(target, family)
    longest = max(seconds, _ROOM * (likely_seconds(prompt) or 0.0))
    return GenerationRequest(prompt.texts, longest, seed, source=source, options=prompt.edit)


def recording(ref: AudioRef, family: Family) -> np.ndarray:
    """A recording (C, N) at the family's rate."""
    from tunesmith.data.load import load

    card = family.card.facts()
    return load(ref, card.sample_rate, card.channels)


def asked_texts(context: RunContext) -> list[str]:
    """The texts to speak: the user's prompts, or the words of the source for an edit that keeps them.

    Raises:
        TunesmithError: when an edit has no recording to edit.
    """
    recipe, kind = context.recipe.generate, str(context.recipe.options.get("edit_type") or CLONE)
    if kind not in CLONES and not recipe.source:
        raise TunesmithError(
            msg("the edit {kind} needs a recording to edit", kind=kind),
            where="generate.source",
            remedy=msg("Name it with --source, and what it says with --source-text."),
        )
    if recipe.source and not recipe.source_prompt.strip():
        context.console.warn(
            msg("what the source says is not given (--source-text); the model hears it without its words")
        )
    warn_of_requests(context, kind, list(recipe.prompts))
    if kind in (*CLONES, NEW_WORDS):
        return list(recipe.prompts)
    if recipe.prompts and list(recipe.prompts) != [recipe.source_prompt]:
        context.console.warn(msg("the edit {kind} keeps the words of its source; --prompt is not used", kind=kind))
    return [recipe.source_prompt]


def warn_of_requests(context: RunContext, kind: str, texts: Sequence[str]) -> None:
    """Warn of what the family expects to go wrong with the source, or with a text that is to be said."""
    from tunesmith.audio.decode import probe

    source = context.recipe.generate.source
    seconds = probe(source).seconds if source and Path(source).is_file() else None  # reading it says what is wrong
    notes = [note for text in texts or [""] for note in context.family.checks.request_notes(kind, text, seconds)]
    for note in {str(note): note for note in notes}.values():
        context.console.warn(note)


def need_voices(requests: Sequence[GenerationRequest]) -> None:
    """Refuse requests that have no voice.

    Raises:
        TunesmithError: when one has no prompt audio.
    """
    if any(PROMPT not in request.source for request in requests):
        raise TunesmithError(
            msg("there is no voice to speak with: the run has no clips and no source is named"),
            where="generate.source",
            remedy=msg("Name a recording of the voice there, and what it says in generate.source_prompt."),
        )
