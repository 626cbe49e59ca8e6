"""The clips that a run's weights are measured on: those of their training, as far as they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tunesmith.data.mapped_manifest import map_manifest, own_samples, samples_on
from tunesmith.data.sample import Sample, is_present
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.texts import msg

NAMED = 10
"""Clips that are named; the others are counted."""


def evaluated_samples(folder: RunFolder) -> Sequence[Sample]:
    """The samples of the manifest that was trained on, but for those whose audio is gone; none before the checks.

    A clip is its content, not its path: one that was moved is taken from where the present manifest has it. One that
    has changed sides since keeps the side that it was trained on.
    """
    path = _trained_on(folder)
    if path is None:
        return []
    trained_on = map_manifest(path)
    there = np.fromiter(map(is_present, trained_on), bool, len(trained_on))
    if there.all():
        return trained_on
    return [found for _, found in _placed(folder) if found is not None]


def training_samples(folder: RunFolder) -> Sequence[Sample]:
    """The user's own clips that were trained on, as far as they are there."""
    return own_samples(samples_on(evaluated_samples(folder), "train"))


def absent_samples(folder: RunFolder) -> list[Sample]:
    """The samples that were trained on and whose audio is gone."""
    return [sample for sample, found in _placed(folder) if found is None]


def warn_of_unreadable(context: RunContext, clips: Iterable[str]) -> None:
    """Say which clips have been damaged since they were trained on, and so are left out."""
    names = tuple(dict.fromkeys(clips))
    if names:
        context.console.warn(
            msg(
                "{count} clips cannot be read any more and are left out: {clips}",
                count=len(names),
                clips=first_of(names),
            )
        )


def first_of(names: Sequence[str]) -> tuple[str, ...]:
    """The first names of many, and a sign that there are more."""
    return (*names[:NAMED], *(["…"] if len(names) > NAMED else []))


def _trained_on(folder: RunFolder) -> Path | None:
    """The manifest that was trained on; ``None`` before the checks."""
    kept = folder.trained_on / folder.manifest.name
    path = kept if kept.exists() else folder.manifest
    return path if path.exists() else None


def _placed(folder: RunFolder) -> Iterator[tuple[Sample, Sample | None]]:
    """Every sample that was trained on, and where it is now; ``None`` where it is gone."""
    path = _trained_on(folder)
    trained_on = map_manifest(path) if path is not None else ()
    gone = {sample.id for sample in trained_on if not is_present(sample)}
    now = map_manifest(folder.manifest) if gone and folder.manifest.exists() else ()
    moved = {sample.id: sample for sample in now if sample.id in gone and is_present(sample)}
    for sample in trained_on:
        if sample.id not in gone:
            yield sample, sample
        else:
            yield sample, replace(moved[sample.id], split=sample.split) if sample.id in moved else None
