"""What a repaired copy of a dataset consists of: repaired and unchanged sounds, and the clips that it leaves out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunesmith.audio.stored import sample_format
from tunesmith.data.checks import CheckLimits, CheckReport
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.survey import span_of
from tunesmith.data.layouts import Dataset
from tunesmith.data.repair.loudness import aligned
from tunesmith.data.repair.mend import Mended, is_sound, mended
from tunesmith.data.repair.steps import Gain
from tunesmith.data.sample import PROMPT, AudioRef, Sample
from tunesmith.records.findings import Finding

_COPIES = "duplicate"
_HEADROOM = 0.99


@dataclass(frozen=True)
class RepairPlan:
    """What is to be done.

    Attributes:
        sounds: Every sound of the dataset, by file and span, with its repairs.
        removed: The finding by id of each clip that is left out as a copy of another.
        left: Findings by clip that nothing settles; ``*`` for the set.
    """

    sounds: Mapping[AudioRef, Mended]
    removed: Mapping[str, Finding]
    left: Mapping[str, tuple[Finding, ...]]


def plan_repairs(
    dataset: Dataset, report: CheckReport, limits: CheckLimits, advance: Callable[[int], None]
) -> RepairPlan:
    """Decide on the repairs of a dataset.

    Args:
        dataset: As it was read.
        report: What the checks say of it.
        limits: Of the checks.
        advance: Called with the number of clips that have been looked at since the last call.
    """
    sounds: dict[AudioRef, Mended] = {}
    teaching = {span_of(ref) for sample in dataset.samples for ref in sample.targets.values()}
    for sample in dataset.samples:
        for role, ref in sample.audios.items():
            key = span_of(ref)
            if key not in sounds:
                sounds[key] = mended(key, report.facts[sample.id][role], limits, is_target=key in teaching)
        for variant in sample.variants:
            for ref in variant.audios.values():
                sounds.setdefault(span_of(ref), Mended(span_of(ref), ClipFacts(decoded=False)))
        advance(1)
    by_id = {sample.id: sample for sample in dataset.samples}
    removed = dict(_copies(report.findings, by_id, sounds))
    kept = [sample for sample in dataset.samples if sample.id not in removed]
    heard = [span_of(ref) for sample in kept for role, ref in sample.audios.items() if role != PROMPT]
    heard = [ref for ref in heard if sounds[ref].facts.decoded and sounds[ref].facts.peak > 0]
    changeable = {ref for ref in heard if is_sound(sounds[ref].facts, limits)}
    sounds = {ref: _fitted(sound) for ref, sound in aligned(sounds, heard, changeable, limits.loudness_spread).items()}
    left: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.level != "info" and finding.clip not in removed and not _settled(finding, by_id, sounds):
            left.setdefault(finding.clip, []).append(finding)
    return RepairPlan(sounds, removed, {clip: tuple(found) for clip, found in left.items()})


def _copies(
    findings: list[Finding], by_id: Mapping[str, Sample], sounds: Mapping[AudioRef, Mended]
) -> Iterator[tuple[str, Finding]]:
    """Clips that are copies of an earlier one, unless that one cannot be used itself."""
    errors: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.level == "error":
            errors.setdefault(finding.clip, []).append(finding)
    for clip, found in errors.items():
        for finding in found:
            if finding.check != _COPIES:
                continue
            earlier = str(finding.message.values.get("earlier", ""))
            others = [f for f in errors.get(earlier, ()) if f.check != _COPIES]
            if all(_settled(other, by_id, sounds) for other in others):
                yield clip, finding


def _settled(finding: Finding, by_id: Mapping[str, Sample], sounds: Mapping[AudioRef, Mended]) -> bool:
    """Whether the repairs of a clip's audios settle a finding of it."""
    sample = by_id.get(finding.clip)
    return sample is not None and any(finding.check in sounds[span_of(ref)].settled for ref in sample.audios.values())


def _fitted(sound: Mended) -> Mended:
    """A sound whose peaks its file can hold: a filter raises them, and those of a lossy file may lie beyond it."""
    peak = sound.facts.peak
    for step in sound.steps:
        peak *= 10 ** (step.decibels / 20) if isinstance(step, Gain) else 1.0
    if not sound.steps or peak <= 1 or sample_format(Path(sound.ref.path)).holds_any_peak:
        return sound
    return replace(sound, steps=(*sound.steps, Gain(20 * math.log10(_HEADROOM / peak), "full_scale")))
