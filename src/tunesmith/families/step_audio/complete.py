"""From what the user's files say to samples that both networks can be trained on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from tunesmith.data.augmented import Augmented
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import LLM, TokenIds
from tunesmith.families.step_audio.pair_checks import pair_findings, without_control
from tunesmith.families.step_audio.pairing import pair
from tunesmith.families.step_audio.text_checks import (
    checked_tokens,
    edit_findings,
    edit_notes,
    finding,
    learners,
    text_findings,
)
from tunesmith.families.step_audio.transcripts import Transcribes, fill_texts, missing
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg


def complete(
    samples: Sequence[Sample],
    seed: int,
    *,
    networks: frozenset[str],
    ids: TokenIds,
    find: Callable[[], Transcribes | None],
    language: str | None = None,
    warned: Collection[str] = (),
) -> Augmented:
    """Check texts and ready audio tokens, transcribe samples that lack a text, and give every sample a prompt.

    Args:
        samples: Checked, with split and durations.
        seed: Draws the prompts.
        networks: Those that will be trained: ``llm``, ``flow`` or both.
        ids: The checkpoint's audio tokens.
        find: Looks for Whisper's weights.
        language: What is spoken, if the user named it.
        warned: Ids of samples that a check has warned of.

    Raises:
        TunesmithError: when a network has nothing left to learn from.
    """
    kept, wrong = without_control(samples)
    kept, wrong_tokens = checked_tokens(kept, ids)
    kept, notes = fill_texts(kept, find, language) if "llm" in networks else (kept, [])
    doubtful = [found for sample in kept for found in text_findings(sample)]
    unsure = {*warned, *(found.clip for found in doubtful)}
    paired = pair(kept, seed, unsure, words_matter="llm" in networks)
    named = {sample.id for sample in paired.samples}
    findings = [*wrong, *wrong_tokens, *paired.findings, *(found for found in doubtful if found.clip in named)]
    findings += [found for sample in paired.samples for found in pair_findings(sample)]
    findings += missing(paired.samples, llm="llm" in networks, flow="flow" in networks)
    findings += () if "llm" in networks else _only_tokens(paired.samples)
    usable = [sample for sample in paired.samples if learners(sample) & networks]
    _refuse_idle(usable, networks)
    return Augmented(usable, [*findings, *edit_findings(usable)], [*notes, *paired.notes, *edit_notes(usable)])


def _only_tokens(samples: Sequence[Sample]) -> Iterator[Finding]:
    for sample in samples:
        if sample.target is None:
            yield finding(
                sample,
                "error",
                msg("it has audio tokens and no target audio, and the flow learns from audio"),
                msg("Give the audio (target_audio_path), or train the LLM."),
            )


def _refuse_idle(samples: Sequence[Sample], networks: frozenset[str]) -> None:
    """A network that nothing teaches would be trained in name only; where nothing at all is left, the check says so."""
    training = [sample for sample in samples if sample.split != "valid" and not is_replay(sample)]
    for name in sorted(networks):
        if training and not any(name in learners(sample) for sample in training):
            what, remedy = _idle(name, len(training))
            where = str(training[0].attributes.get("line") or training[0].id)
            raise TunesmithError(what, where=where, remedy=remedy)


def _idle(network: str, count: int) -> tuple[Message, Message]:
    """What a network with nothing to learn from lacks, and what to do."""
    if network == LLM:
        return (
            msg(
                "none of {count} training lines has what the LLM learns from (texts of what is spoken)",
                count=count,
            ),
            msg("Add it, or train the flow alone (options.train=flow)."),
        )
    return (
        msg("none of {count} training lines has what the flow learns from (a target audio)", count=count),
        msg("Add it, or train the LLM alone (options.train=llm)."),
    )
