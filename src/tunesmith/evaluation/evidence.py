"""What a run tells of itself beside its sound: how training went and was set, and what the checks found in the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.data.content import base_content, checkpoint_content
from tunesmith.data.sample import Sample
from tunesmith.records.findings import CheckFindings, Finding
from tunesmith.records.metrics import TrainLine, ValidLine, read_metric_lines
from tunesmith.records.stage_state import TrainSummary
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import absent_samples, training_samples
from tunesmith.run.folder import RunFolder

HEARD = 200
"""About so many clips are looked at for silence, evenly from all."""
SILENT_SHARE = 0.2
"""Less silence than this is pauses and decays."""


@dataclass(frozen=True)
class HeldOut:
    """One measurement of the held-out clips while training."""

    stage: str
    update: int
    loss: float


@dataclass(frozen=True)
class TrainingEvidence:
    """What training measured, and what it was set to.

    Attributes:
        updates: Done in all.
        passes: How often each clip was seen.
        clips: How many were trained on.
        learning_rate: The peak.
        first_terms: The base's held-out loss by term, each as it was first measured.
        kept: Held-out loss of the weights that were kept, as training measured it; ``None`` where nothing was better
            than the base, so that the last weights were kept.
        losses: Training loss by update.
        held_out: Held-out loss by update.
        skipped: Updates without a step, because their numbers were none.
        base_then: The base model that was trained on; empty where it is not known.
        base_now: The one that is measured.
        lost: Held-out clips that are gone or damaged since, so that held-out losses of then and now are of other clips.
        strength: How strong the adapter is now over how strong it was trained; ``None`` where that is not known.
    """

    updates: int
    passes: float
    clips: int
    learning_rate: float
    first_terms: Mapping[str, float] = field(default_factory=dict)
    kept: float | None = None
    losses: tuple[tuple[int, float], ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    skipped: int = 0
    base_then: str = ""
    base_now: str = ""
    strength: float | None = None
    lost: int = 0

    @property
    def other_base(self) -> bool:
        """Whether another base model is measured than was trained on."""
        return bool(self.base_then and self.base_now) and self.base_then != self.base_now


@dataclass(frozen=True)
class SilentClip:
    """A clip that holds silence: seconds of it, and its share of the clip."""

    clip: str
    seconds: float
    share: float


@dataclass(frozen=True)
class DataEvidence:
    """What the checks found in the clips that were trained on.

    Attributes:
        clips: How many there are.
        found: Findings of clips that are used, by check.
        silent: Clips of which a fifth or more is silence, the most silent first.
    """

    clips: int
    found: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    silent: tuple[SilentClip, ...] = ()

    def by_checks(self, *checks: str) -> tuple[Finding, ...]:
        """One finding of each clip that any of these checks speaks of, the greatest number first."""
        ordered = sorted((f for name in checks for f in self.found.get(name, ())), key=lambda f: -(f.value or 0))
        return tuple({finding.clip: finding for finding in reversed(ordered)}.values())[::-1]


def training_evidence(context: RunContext, adapter: Path, unreadable: int = 0) -> TrainingEvidence | None:
    """What the run's training says; ``None`` where it is not known to be done.

    Args:
        context: The run.
        adapter: The folder of the adapter that is measured.
        unreadable: Held-out clips that are there and could not be measured.
    """
    state = context.folder.stage_state("train")
    summary = state.training() if state else None
    if state is None or summary is None:
        return None
    given, lines = state.inputs or {}, list(read_metric_lines(context.folder.metrics))
    train = [line for line in lines if isinstance(line, TrainLine)]
    valid = [line for line in lines if isinstance(line, ValidLine)]
    clips = training_samples(context.folder)
    recipe = context.recipe.train
    return TrainingEvidence(
        updates=summary.updates,
        passes=summary.updates * recipe.batch_size * recipe.accumulation / max(1, len(clips)),
        clips=len(clips),
        learning_rate=float(given.get("train.learning_rate") or recipe.learning_rate),
        first_terms=_first_terms(valid),
        kept=kept_loss(summary, context.folder),
        losses=tuple((line.update, line.loss) for line in train if line.loss is not None),
        held_out=tuple(HeldOut(line.stage, line.update, line.loss) for line in valid if line.loss is not None),
        skipped=summary.skipped,
        base_then=summary.base or str(given.get("model.path") or ""),
        base_now=checkpoint_content(context.family.checkpoint.folder) if summary.base else _named(context),
        strength=_strength(given, adapter),
        lost=unreadable + sum(sample.split == "valid" for sample in absent_samples(context.folder)),
    )


def kept_loss(summary: TrainSummary, folder: RunFolder) -> float | None:
    """The held-out loss that ``best_model`` had in training: of the best update or, where none is, of the last one."""
    if summary.best_update is not None:
        return summary.best_loss
    return next((line.loss for line in folder.read_metrics(ValidLine) if line.update == summary.updates), None)


def data_evidence(context: RunContext) -> DataEvidence | None:
    """What the checks say of the clips that were trained on; ``None`` where there are no findings."""
    if not context.folder.findings.exists():
        return None
    samples = training_samples(context.folder)
    used = {sample.id for sample in samples}
    found: dict[str, list[Finding]] = {}
    for finding in CheckFindings.read(context.folder.findings).findings:
        if finding.clip in used:
            found.setdefault(finding.check, []).append(finding)
    by_check = {check: tuple(findings) for check, findings in found.items()}
    return DataEvidence(len(used), by_check, tuple(_silent(context, samples)))


def _silent(context: RunContext, samples: Sequence[Sample]) -> list[SilentClip]:
    """What the checks measured of silence; clips whose facts are of an earlier version are measured anew."""
    from tunesmith.data.checks.survey import Survey, span_of

    heard = samples[:: max(1, len(samples) // HEARD)]
    facts = context.folder.facts
    survey = Survey(context.recipe.checks, signals=False, fingerprint=False, facts_path=facts, keep=False)
    measured = survey.measure(heard)
    found = []
    for sample in heard:
        own = [measured[span_of(ref)][0] for ref in sample.targets.values()]
        found += [SilentClip(sample.id, one.silent_share * one.seconds, one.silent_share) for one in own]
    silent = [one for one in found if one.share >= SILENT_SHARE]
    return sorted(silent, key=lambda one: (-one.share, one.clip))


def _named(context: RunContext) -> str:
    """The base as a stage's inputs name it, which is all that records of before hold."""
    return base_content(context.recipe.model.path) or context.recipe.model.path


def _first_terms(valid: list[ValidLine]) -> dict[str, float]:
    """Of every term the first value: a network that trains in a later stage is still the base's until then."""
    found: dict[str, float] = {}
    for line in valid:
        for name, value in line.terms.items():
            if value is not None:
                found.setdefault(name, value)
    return found


def _strength(given: Mapping[str, Any], adapter: Path) -> float | None:
    """The ratio that is furthest from 1 over the networks."""
    from tunesmith.adapters.files import recipe_of

    settings: dict[str, Any] = {}
    for key, value in given.items():
        *sections, name = key.split(".")
        if sections[:1] == ["adapter"]:
            inside = settings
            for section in sections[1:]:
                inside = inside.setdefault(section, {})
            inside[name] = value
    try:
        then, now = AdapterRecipe.model_validate(settings), recipe_of(adapter)
    except ValidationError:
        return None
    names = [name for name in now.networks or ("",) if now.of(name).kind != "full"]
    ratios = [_scale(now.of(name)) / _scale(then.of(name)) for name in names if then.of(name).kind != "full"]
    return max(ratios, key=lambda ratio: abs(math.log(ratio)), default=None)


def _scale(adapter: AdapterRecipe) -> float:
    return adapter.alpha / (math.sqrt(adapter.rank) if adapter.rslora else adapter.rank)
