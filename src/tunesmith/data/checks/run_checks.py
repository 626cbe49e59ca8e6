"""Run every check over a set of samples: what is kept, what is quarantined, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunesmith.data.checks.altered_copy import least_score
from tunesmith.data.checks.catalog import CHECKS
from tunesmith.data.checks.context import Check, CheckContext, CheckedClip
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.near_duplicates import altered_copies, near_duplicates
from tunesmith.data.checks.survey import Survey, span_of
from tunesmith.data.sample import Sample
from tunesmith.data.workers import WorkersWanted
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

FINAL = frozenset({"unreadable", "nan_samples"})
"""Checks that nobody can overrule: there is no sound to train on, or none that leaves the loss finite."""


@dataclass(frozen=True)
class CheckReport:
    """What the checks say.

    Attributes:
        findings: All findings, in the order of the checks.
        kept: Samples to use, with the durations of their audios filled in.
        quarantined: Reason (the first error's message) by id of each sample left out.
        similar: Pairs of kept ids that sound alike; a split must not part them.
        facts: What was measured, by id and audio role.
        notes: What will be done to clips, said once.
        kept_seconds: Length of everything kept, each clip once.
    """

    findings: list[Finding]
    kept: list[Sample]
    quarantined: dict[str, Message]
    similar: list[tuple[str, str]]
    facts: dict[str, Mapping[str, ClipFacts]] = field(repr=False)
    notes: list[Message] = field(default_factory=list)
    kept_seconds: float = 0.0


def run_checks(  # noqa: PLR0913
    samples: Sequence[Sample],
    limits: CheckLimits | None = None,
    *,
    fingerprint: bool = True,
    signals: bool = True,
    unk_ratio: Callable[[str], float] | None = None,
    text_findings: Callable[[Sample], Sequence[Finding]] | None = None,
    overrule: Collection[str] = (),
    workers: WorkersWanted = 1,
    progress: Callable[[int], None] | None = None,
    facts_path: Path | None = None,
    problems: Sequence[Finding] = (),
    channels: int | None = None,
    model_sample_rate: int = 32_000,
    transcripts: bool = False,
    more: Sequence[Check] = (),
) -> CheckReport:
    """Check samples; never raises for a bad clip.

    Args:
        samples: What a layout found; ids are unique.
        limits: The limits; the defaults when ``None``.
        fingerprint: Compare clips by sound (near-duplicates, leakage); identical ones are found either way.
        signals: Measure loudness and bandwidth.
        unk_ratio: Share (0..1) of a text's tokens unknown to the model's text encoder.
        text_findings: What else the model's family has to say about a sample's texts.
        overrule: Ids whose errors become warnings; errors of :data:`FINAL` checks stay.
        workers: Processes that measure; 1 measures in this one, and ``auto`` takes as many as are worth their start.
        progress: Called with the number of samples measured since the last call.
        facts_path: ``facts.jsonl`` to keep measurements in between runs.
        problems: What the layout found; its errors are quarantined with the rest.
        channels: Of the model to train; how clips are brought to them is said in the notes.
        model_sample_rate: Of the model to train, in Hz.
        transcripts: Whether texts say word for word what is spoken in a clip.
        more: Checks of others after those of the catalogue.

    Returns:
        The report.
    """
    limits = limits or CheckLimits()
    chosen = frozenset(overrule)
    measured = Survey(limits, signals, fingerprint, chosen, workers, progress, facts_path).measure(samples)
    clips = tuple(CheckedClip(s, {role: measured[span_of(ref)][0] for role, ref in s.audios.items()}) for s in samples)
    similar = tuple(near_duplicates(clips, measured, limits.duplicate_score))
    context = CheckContext(
        clips=clips,
        limits=limits,
        similar=similar,
        altered=tuple(altered_copies(clips, measured, similar, least_score(limits, transcripts=transcripts))),
        unk_ratio=unk_ratio,
        text_findings=text_findings,
        model_sample_rate=model_sample_rate,
        transcripts=transcripts,
    )
    findings = [*problems, *(_overruled(finding, chosen) for check in (*CHECKS, *more) for finding in check(context))]
    findings += _unknown_names(chosen, context)
    return _report(context, findings, channels)


def _report(context: CheckContext, findings: list[Finding], channels: int | None) -> CheckReport:
    quarantined: dict[str, Message] = {}
    for finding in findings:
        if finding.level == "error" and finding.clip != "*":
            quarantined.setdefault(finding.clip, finding.message)
    kept = []
    for clip in context.clips:
        if clip.sample.id not in quarantined:
            audios = {r: replace(a, duration=clip.facts[r].seconds) for r, a in clip.sample.audios.items()}
            kept.append(replace(clip.sample, audios=audios))
    return CheckReport(
        findings=findings,
        kept=kept,
        quarantined=quarantined,
        similar=[(a, b) for a, b in _alike(context) if a not in quarantined and b not in quarantined],
        facts={clip.sample.id: clip.facts for clip in context.clips},
        notes=[*_channel_notes(context, quarantined, channels), *_rate_notes(context, quarantined)],
        kept_seconds=sum(sample.seconds for sample in kept),
    )


def _alike(context: CheckContext) -> Iterator[tuple[str, str]]:
    yield from ((first, second) for first, second, _ in context.similar)
    yield from ((copy.first, copy.second) for copy in context.altered)


def _channel_notes(context: CheckContext, quarantined: Collection[str], channels: int | None) -> list[Message]:
    used = [audio.facts.channels for audio in context.audios() if audio.clip not in quarantined]
    more, fewer = sum(c > (channels or c) for c in used), sum(c < (channels or c) for c in used)
    notes = []
    if more and channels == 1:
        notes.append(msg("{count} clips are mixed down for the mono model.", count=more))
    elif more:
        notes.append(msg("{count} clips are mixed down to {channels} channels.", count=more, channels=channels))
    if fewer:
        notes.append(msg("{count} mono clips are doubled for the stereo model.", count=fewer))
    return notes


def _rate_notes(context: CheckContext, quarantined: Collection[str]) -> list[Message]:
    rates = Counter(audio.facts.sample_rate for audio in context.audios() if audio.clip not in quarantined)
    if len(rates) < 2:
        return []
    return [
        msg(
            "The audio has several sample rates: {rates}; all of it is brought to the model's {rate} Hz.",
            rates=tuple(f"{rate} Hz ({number})" for rate, number in sorted(rates.items())),
            rate=context.model_sample_rate,
        )
    ]


def _overruled(finding: Finding, overrule: Collection[str]) -> Finding:
    if finding.level != "error" or finding.clip not in overrule:
        return finding
    if finding.check in FINAL:
        return finding.model_copy(update={"message": msg("{said} (this cannot be overruled)", said=finding.message)})
    message = msg("{said} (overruled by you)", said=finding.message)
    return finding.model_copy(update={"level": "warn", "message": message})


def _unknown_names(overrule: Collection[str], context: CheckContext) -> Iterator[Finding]:
    for name in sorted(set(overrule) - set(context.by_id)):
        yield Finding(
            check="overrule",
            level="warn",
            clip="*",
            message=msg("`overrule` names {clip}, and there is no such clip", clip=name),
            remedy=msg("Write the id as the findings give it."),
        )
