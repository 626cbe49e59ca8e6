"""What a run has to train on: the clips read, measured, quarantined and split. Every command counts with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunesmith.data.augmented import Augmented
from tunesmith.data.checks import CheckReport, run_checks
from tunesmith.data.checks.context import Check
from tunesmith.data.layouts import Dataset, read_layout
from tunesmith.data.replay import is_replay, mix_of
from tunesmith.data.sample import Sample
from tunesmith.data.split import SplitResult, split
from tunesmith.data.workers import WorkersWanted
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import CheckFindings
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.context import RunContext
from tunesmith.speech.tools import SpeechTools
from tunesmith.stages.listening_task import FamilyListening, Listening, ToolsListening, listener_of
from tunesmith.stages.replay import divide, for_family, join, read_replay, replay_counts, short_note
from tunesmith.stages.spoken_names import spoken
from tunesmith.texts import Message, msg

SPOKEN_FACTS = "spoken.jsonl"
"""Beside a run's facts: what was heard of its spoken clips."""


@dataclass(frozen=True)
class DatasetSurvey:
    """What was found.

    Attributes:
        layout: The user's own clips, as they were read.
        replay: The replay set, as it was read; ``None`` without one.
        checked: What the checks say of both.
        split: The samples that are left, each with its side.
    """

    layout: Dataset
    replay: Dataset | None
    checked: CheckReport
    split: SplitResult

    @property
    def user_samples(self) -> list[Sample]:
        """The user's own that are left."""
        return [sample for sample in self.split.samples if not is_replay(sample)]


def read_clips(context: RunContext) -> tuple[Dataset, Dataset | None]:
    """The user's own clips as the run's family reads them, and the replay set where there is one.

    Raises:
        TunesmithError: when they cannot be read, or cannot be what the family learns from.
    """
    data, family = context.recipe.data, context.family
    if not data.folder:
        raise TunesmithError(
            msg("no folder of audio is named"), where="data.folder", remedy=msg("Set it in the recipe.")
        )
    if family.is_speech and data.default_text is not None:
        raise TunesmithError(
            msg("one text for all clips cannot be what is said in each of them"),
            where="data.default_text",
            remedy=msg("Leave it out; transcripts belong to their clips."),
        )
    layout = read_layout(data.place, data.layout, data.default_text, data.metadata_file, data.valid_file)
    layout = for_family(context, layout, data.place)
    family.checks.validate_samples(layout.samples)
    return layout, read_replay(context, layout)


def survey(context: RunContext) -> DatasetSurvey:
    """Read, check and split the clips of a run; nothing is written but what was measured of every file.

    Raises:
        TunesmithError: when the clips cannot be read, or cannot be what the family learns from.
    """
    data, family, seed = context.recipe.data, context.family, context.recipe.train.seed
    layout, replay = read_clips(context)
    checked = examine(context, join(layout, replay))
    user_ids = {sample.id for sample in checked.kept if not is_replay(sample)}
    result = split(
        [sample for sample in checked.kept if sample.id in user_ids],
        valid_share=data.valid_share,
        min_valid=data.valid_min,
        seed=seed,
        similar=[pair for pair in checked.similar if user_ids.issuperset(pair)],
        cut=not family.is_speech,
    )
    checked, result = completed(checked, result, family.checks.add_prompts(result.samples, seed, warned_clips(checked)))
    if replay is not None:
        checked, result = completed(checked, result, divide(context, replay, checked, result.samples))
    return DatasetSurvey(layout, replay, checked, result)


def warned_clips(checked: CheckReport) -> frozenset[str]:
    """Clips that the checks have warned of."""
    return frozenset(finding.clip for finding in checked.findings if finding.level == "warn")


def examine(context: RunContext, layout: Dataset) -> CheckReport:
    """Run every check with a progress bar; weights that are not on this machine yet are not downloaded for it."""
    known = card_for_planning(context.recipe, context.family)
    card, local = known if known is not None else (None, False)
    with context.console.progress(msg("check"), len(layout.samples)) as advance:
        return run_checks(
            layout.samples,
            context.recipe.checks,
            fingerprint=context.recipe.data.fingerprint,
            unk_ratio=context.family.checks.unk_ratio if local else None,
            text_findings=context.family.checks.text_findings if local else None,
            overrule=context.recipe.data.overrule,
            workers=context.workers,
            progress=advance,
            facts_path=context.folder.facts,
            problems=layout.problems,
            channels=card.channels if card else None,
            model_sample_rate=card.sample_rate if card else 32_000,
            transcripts=context.family.is_speech,
            more=_spoken(context),
        )


def _spoken(context: RunContext) -> tuple[Check, ...]:
    """The checks of spoken clips, where the family speaks."""
    tools = context.family.checks.speech_tools() if context.family.is_speech else None
    if tools is None:
        return ()
    model = context.recipe.model
    task = FamilyListening(model.path, model.family, dict(context.recipe.options), model.revision)
    return speech_checks(tools, context.folder.facts.with_name(SPOKEN_FACTS), context.workers, task)


def speech_checks(
    tools: SpeechTools, path: Path | None, workers: WorkersWanted = 1, task: Listening | None = None
) -> tuple[Check, ...]:
    """The checks of spoken clips.

    Args:
        tools: What speech is measured with.
        path: Where measurements are kept; nowhere when ``None``.
        workers: Processes that listen; 1 listens in this one.
        task: What each of them opens; by default what ``tools`` makes, which then hold no network of a family's.
    """
    from tunesmith.speech.recordings.checks import spoken_checks

    listener = listener_of(tools)
    opened = task or ToolsListening(tools)
    return (spoken_checks(replace(listener, path=path, workers=workers, task=opened)),)


def completed(checked: CheckReport, result: SplitResult, augmented: Augmented) -> tuple[CheckReport, SplitResult]:
    """Both with what the family completed: its findings after those of the checks, its errors quarantined too."""
    errors = {f.clip: f.message for f in reversed(augmented.findings) if f.level == "error"}
    checked = replace(
        checked, findings=[*checked.findings, *augmented.findings], quarantined={**checked.quarantined, **errors}
    )
    return checked, replace(result, samples=list(augmented.samples), notes=[*result.notes, *augmented.notes])


def findings_of(context: RunContext, found: DatasetSurvey) -> CheckFindings:
    """What ``findings.json`` says: of the user's own clips, and apart of a replay set."""
    samples, user_samples = found.split.samples, found.user_samples
    counts = Counter(sample.split for sample in user_samples)
    mix = mix_of([s for s in samples if s.split == "train"], context.recipe.data.replay_share)
    return CheckFindings(
        layout=found.layout.name,
        kept=len(user_samples),
        train=counts["train"],
        valid=counts["valid"],
        quarantined=found.checked.quarantined,
        split_kind=found.split.kind,
        seconds=round(sum(sample.seconds for sample in user_samples), 1),
        notes=(
            *join(found.layout, found.replay).notes,
            *found.checked.notes,
            *found.split.notes,
            *lyric_notes(context, samples),
            *short_note(mix),
        ),
        replay=replay_counts(context, found.replay, samples) if found.replay is not None else None,
        findings=tuple(found.checked.findings),
    )


def lyric_notes(context: RunContext, samples: Sequence[Sample]) -> list[Message]:
    """Whole-song lyrics over a crop teach words that are not sung in it."""
    limit = context.recipe.data.max_seconds
    long = [
        s.id
        for s in samples
        if s.texts.get("lyrics", "").strip() and any((a.duration or 0) > limit for a in s.audios.values())
    ]
    if "lyrics" not in context.family.type.text_roles or not long or context.recipe.options.get("lyric_window"):
        return []
    return [
        msg(
            "{count} clips with lyrics are longer than a crop ({seconds:g} s) and keep all their lyrics in it (the "
            "first: {first}). Set options.lyric_window to give a crop its own sections, or raise data.max_seconds.",
            count=len(long),
            seconds=limit,
            first=long[0],
        )
    ]


def counts_line(found: CheckFindings) -> Message:
    """How many clips there are, in the words of every command."""
    return msg(
        "{kept} clips usable ({minutes:.1f} min): {train} train, {valid} held out; {quarantined} quarantined "
        "(layout: {layout}, split: {split})",
        kept=found.kept,
        minutes=found.seconds / 60,
        train=found.train,
        valid=found.valid,
        quarantined=len(found.quarantined),
        layout=found.layout,
        split=spoken(found.split_kind),
    )
