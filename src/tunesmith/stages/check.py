"""The check stage: read the layout, measure every clip, quarantine what cannot be used, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.data.augmented import Augmented
from tunesmith.data.checks import CheckReport, run_checks
from tunesmith.data.layouts import Dataset, read_layout
from tunesmith.data.replay import is_replay, mix_of
from tunesmith.data.sample import write_manifest
from tunesmith.data.split import SplitResult, split
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import CheckFindings, Finding
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.context import RunContext
from tunesmith.stages.replay import divide, for_family, join, read_replay, replay_counts, replay_line, short_note
from tunesmith.stages.spoken_names import spoken
from tunesmith.texts import Message, msg


def check(context: RunContext) -> dict[str, Any]:
    """Check and split the user's clips; write manifest and findings.

    Raises:
        TunesmithError: when no usable clip is left.
    """
    data = context.recipe.data
    if not data.folder:
        raise TunesmithError(
            msg("no folder of audio is named"), where="data.folder", remedy=msg("Set it in the recipe.")
        )
    family, seed = context.family, context.recipe.train.seed
    if family.is_speech and data.default_text is not None:
        raise TunesmithError(
            msg("one text for all clips cannot be what is said in each of them"),
            where="data.default_text",
            remedy=msg("Leave it out; transcripts belong to their clips."),
        )
    layout = read_layout(Path(data.folder), data.layout, data.default_text, data.metadata_file, data.valid_file)
    layout = for_family(context, layout, Path(data.folder))
    family.checks.validate_samples(layout.samples)
    replay = read_replay(context, layout)
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
    write_manifest(context.folder.manifest, result.samples)
    found = write_findings(context, layout, replay, checked, result)
    log_findings(context, found)
    refuse_empty(context, layout, checked, result, of_replay=False)
    if replay is not None:
        refuse_empty(context, replay, checked, result, of_replay=True)
    return found.summary()


def warned_clips(checked: CheckReport) -> frozenset[str]:
    """Clips that the checks have warned of."""
    return frozenset(finding.clip for finding in checked.findings if finding.level == "warn")


def refuse_empty(
    context: RunContext, layout: Dataset, checked: CheckReport, result: SplitResult, *, of_replay: bool
) -> None:
    """Stop where none of the user's own clips, or of the replay set, is left to train on.

    Raises:
        TunesmithError: with the first reason.
    """
    if any(sample.split == "train" and is_replay(sample) == of_replay for sample in result.samples):
        return
    names = {sample.id for sample in layout.samples} | {problem.clip for problem in layout.problems}
    reason = first_reason([finding for finding in checked.findings if finding.clip in names])
    count, data = len(layout.samples) + len(layout.problems), context.recipe.data
    raise TunesmithError(
        msg("no usable replay clip is left of {count}; {reason}", count=count, reason=reason)
        if of_replay
        else msg("no usable clip is left of {count}; {reason}", count=count, reason=reason),
        where=data.replay if of_replay else data.folder,
        remedy=msg("Every finding is in {path}.", path=str(context.folder.findings)),
    )


def examine(context: RunContext, layout: Dataset) -> CheckReport:
    """Run every check with a progress bar; weights that are not on this machine yet are not downloaded for it."""
    known = card_for_planning(context.recipe)
    card, local = known if known is not None else (None, False)
    with context.console.progress(msg("check"), len(layout.samples)) as advance:
        return run_checks(
            layout.samples,
            context.recipe.checks,
            fingerprint=context.recipe.data.fingerprint,
            unk_ratio=context.family.checks.unk_ratio if local else None,
            text_findings=context.family.checks.text_findings if local else None,
            overrule=context.recipe.data.overrule,
            progress=advance,
            facts_path=context.folder.facts,
            problems=layout.problems,
            channels=card.channels if card else None,
            model_sample_rate=card.sample_rate if card else 32_000,
            transcripts=context.family.is_speech,
        )


def completed(checked: CheckReport, result: SplitResult, augmented: Augmented) -> tuple[CheckReport, SplitResult]:
    """Both with what the family completed: its findings after those of the checks, its errors quarantined too."""
    errors = {f.clip: f.message for f in reversed(augmented.findings) if f.level == "error"}
    checked = replace(
        checked, findings=[*checked.findings, *augmented.findings], quarantined={**checked.quarantined, **errors}
    )
    return checked, replace(result, samples=list(augmented.samples), notes=[*result.notes, *augmented.notes])


def write_findings(
    context: RunContext, layout: Dataset, replay: Dataset | None, checked: CheckReport, result: SplitResult
) -> CheckFindings:
    """Write ``findings.json``: of the user's own clips, and apart those of a replay set."""
    user_samples = [sample for sample in result.samples if not is_replay(sample)]
    counts = Counter(sample.split for sample in user_samples)
    mix = mix_of([s for s in result.samples if s.split == "train"], context.recipe.data.replay_share)
    found = CheckFindings(
        layout=layout.name,
        kept=len(user_samples),
        train=counts["train"],
        valid=counts["valid"],
        quarantined=checked.quarantined,
        split_kind=result.kind,
        seconds=round(sum(sample.seconds for sample in user_samples), 1),
        notes=(
            *join(layout, replay).notes,
            *checked.notes,
            *result.notes,
            *lyric_notes(context, result),
            *short_note(mix),
        ),
        replay=replay_counts(context, replay, result.samples) if replay is not None else None,
        findings=tuple(checked.findings),
    )
    found.write(context.folder.findings)
    return found


def lyric_notes(context: RunContext, result: SplitResult) -> list[Message]:
    """Whole-song lyrics over a crop teach words that are not sung in it."""
    limit = context.recipe.data.max_seconds
    long = [
        s.id
        for s in result.samples
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


def log_findings(context: RunContext, found: CheckFindings) -> None:
    """Print what was found: every error, and warnings by kind."""
    console = context.console
    for finding in found.findings:
        if finding.level == "error":
            line = msg("  error  {clip}: {said}", clip=finding.clip, said=finding.with_remedy())
            console.log(line, style="red")
    warnings = [f for f in found.findings if f.level == "warn"]
    for name, count in Counter(f.check for f in warnings).most_common():
        first = next(f for f in warnings if f.check == name)
        said = first.with_remedy()
        line = msg(
            "  warn   {check} ({count}): {clip}: {said}", check=spoken(name), count=count, clip=first.clip, said=said
        )
        console.log(line, style="yellow")
    for note in found.notes:
        console.log(msg("  note   {said}", said=note))
    console.log(
        msg(
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
    )
    if found.replay is not None:
        console.log(replay_line(found.replay))


def first_reason(findings: Sequence[Finding]) -> Message:
    """The first error finding, as the reason nothing is left."""
    first = next((finding for finding in findings if finding.level == "error"), None)
    if first is None:
        return msg("the folder holds none")
    return msg("{clip}: {said}", clip=first.clip, said=first.message)
