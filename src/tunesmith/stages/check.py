"""The check stage: read the layout, measure every clip, quarantine what cannot be used, split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from tunesmith.data.replay import is_replay
from tunesmith.data.sample import write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import CheckFindings, Finding
from tunesmith.run.console import FEW, Console
from tunesmith.run.context import RunContext
from tunesmith.stages.replay import replay_line
from tunesmith.stages.spoken_names import spoken
from tunesmith.stages.survey import DatasetSurvey, counts_line, findings_of, survey
from tunesmith.texts import Message, msg


def check(context: RunContext) -> dict[str, Any]:
    """Check and split the user's clips; write manifest and findings.

    Raises:
        TunesmithError: when no usable clip is left.
    """
    surveyed = survey(context)
    write_manifest(context.folder.manifest, surveyed.split.samples)
    found = findings_of(context, surveyed)
    found.write(context.folder.findings)
    log_findings(context, found)
    remedy = msg("Every finding is in {path}.", path=str(context.folder.findings))
    refuse_empty(context, surveyed, remedy)
    return found.summary()


def refuse_empty(context: RunContext, found: DatasetSurvey, remedy: Message) -> None:
    """Stop where none of the user's own clips, or of the replay set, is left to train on.

    Raises:
        TunesmithError: with the first reason.
    """
    data = context.recipe.data
    for layout, of_replay in ((found.layout, False), (found.replay, True)):
        if layout is None or any(s.split == "train" and is_replay(s) == of_replay for s in found.split.samples):
            continue
        names = {sample.id for sample in layout.samples} | {problem.clip for problem in layout.problems}
        reason = first_reason([finding for finding in found.checked.findings if finding.clip in names])
        count = len(layout.samples) + len(layout.problems)
        raise TunesmithError(
            msg("no usable replay clip is left of {count}; {reason}", count=count, reason=reason)
            if of_replay
            else msg("no usable clip is left of {count}; {reason}", count=count, reason=reason),
            where=data.replay if of_replay else data.folder,
            remedy=remedy,
        )


def log_findings(context: RunContext, found: CheckFindings) -> None:
    """Print what was found in a run's clips, and how many are left."""
    whole = msg("every finding is in {path}", path=str(context.folder.findings))
    log_found(context.console, found.findings, found.notes, whole)
    context.console.log(counts_line(found))
    if found.replay is not None:
        context.console.log(replay_line(found.replay))


def log_found(console: Console, findings: Sequence[Finding], notes: Sequence[Message], whole: Message) -> None:
    """Print findings, the first of each kind, and what was decided on the way.

    Args:
        console: Where to.
        findings: What was found.
        notes: What was decided.
        whole: Where every finding is; said where some are not printed.
    """
    errors, warnings = defaultdict[tuple[str, str], list[Message]](list), defaultdict[str, list[Finding]](list)
    for finding in findings:
        if finding.level == "error":  # one check may have found very different things
            errors[finding.check, _kind(finding.message)].append(_error(finding))
        elif finding.level == "warn":
            warnings[finding.check].append(finding)
    for (name, _), lines in errors.items():
        console.log_some(lines, partial(_more_errors, name), style="red")
    for name, found in sorted(warnings.items(), key=lambda each: -len(each[1])):
        line = msg(
            "  warn   {check} ({count}): {clip}: {said}",
            check=spoken(name),
            count=len(found),
            clip=found[0].clip,
            said=found[0].with_remedy(),
        )
        console.log(line, style="yellow")
    if any(len(lines) > FEW + 1 for lines in errors.values()) or any(len(found) > 1 for found in warnings.values()):
        console.log(Message("  {said}", {"said": whole}))
    for note in notes:
        console.log(msg("  note   {said}", said=note))


def log_every(console: Console, findings: Sequence[Finding]) -> None:
    """Print every error and warning, a line each."""
    for finding in findings:
        if finding.level == "error":
            console.log(_error(finding), style="red")
        elif finding.level == "warn":
            console.log(msg("  warn   {clip}: {said}", clip=finding.clip, said=finding.with_remedy()), style="yellow")


def _kind(said: Message) -> str:
    """What sentences have in common that differ in their numbers and names alone."""
    return " ".join([said.id, *(_kind(value) for value in said.values.values() if isinstance(value, Message))])


def _error(finding: Finding) -> Message:
    return msg("  error  {clip}: {said}", clip=finding.clip, said=finding.with_remedy())


def _more_errors(name: str, count: int) -> Message:
    return msg("  error  {check}: {count} more clips like these", check=spoken(name), count=count)


def first_reason(findings: Sequence[Finding]) -> Message:
    """The first error finding, as the reason nothing is left."""
    first = next((finding for finding in findings if finding.level == "error"), None)
    if first is None:
        return msg("the folder holds none")
    return msg("{clip}: {said}", clip=first.clip, said=first.message)
