"""The clips that a run's weights are measured on: those of their training, as far as they are there."""

from __future__ import annotations

from dataclasses import replace

from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample, is_present, read_manifest
from tunesmith.run.folder import RunFolder


def evaluated_samples(folder: RunFolder) -> list[Sample]:
    """The samples of the manifest that was trained on, but for those whose audio is gone; none before the checks.

    A clip is its content, not its path: one that was moved is taken from where the present manifest has it. One that
    has changed sides since keeps the side that it was trained on.
    """
    return [found for sample in _trained_on(folder) if (found := _where_it_is(sample, folder)) is not None]


def training_samples(folder: RunFolder) -> list[Sample]:
    """The user's own clips that were trained on, as far as they are there."""
    return [s for s in evaluated_samples(folder) if s.split == "train" and not is_replay(s)]


def absent_samples(folder: RunFolder) -> list[Sample]:
    """The samples that were trained on and whose audio is gone."""
    return [sample for sample in _trained_on(folder) if _where_it_is(sample, folder) is None]


def _trained_on(folder: RunFolder) -> list[Sample]:
    kept = folder.trained_on / folder.manifest.name
    path = kept if kept.exists() else folder.manifest
    return list(read_manifest(path)) if path.exists() else []


def _where_it_is(sample: Sample, folder: RunFolder) -> Sample | None:
    if is_present(sample):
        return sample
    now = read_manifest(folder.manifest) if folder.manifest.exists() else ()
    moved = next((other for other in now if other.id == sample.id and is_present(other)), None)
    return None if moved is None else replace(moved, split=sample.split)
