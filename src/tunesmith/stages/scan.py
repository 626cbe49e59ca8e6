"""What a new run is told of its clips: the survey that ``check`` makes too, in a summary."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.layouts import Dataset
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import PROMPT_TEXT, Sample
from tunesmith.records.findings import CheckFindings, Finding
from tunesmith.stages.survey import DatasetSurvey
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class DatasetSummary:
    """What a folder holds.

    Attributes:
        folder: The folder (or list), absolute; or its address.
        layout: The layout that was detected.
        seconds: Length of every clip that can be used, before any is cut in two; prompts are no clips.
        captions: Every caption of theirs with how often it is used, most used first.
        uncaptioned: Clips without a caption of their own.
        sources: How many tracks the clips come from.
        found: What ``findings.json`` will say.
        warnings: What the layout warns of.
        samples: What will be in the manifest.
        guess: A caption for those that have none, from the folder's name.
        suited: Options of the family that suit them, each with its reason.
    """

    folder: str
    layout: str
    seconds: tuple[float, ...]
    captions: tuple[tuple[str, int], ...]
    uncaptioned: int
    sources: int
    found: CheckFindings
    warnings: tuple[Message, ...]
    samples: tuple[Sample, ...]
    guess: str | None = None
    suited: Mapping[str, tuple[Any, str]] = field(default_factory=dict)

    def lengths(self) -> Message:
        """Shortest, median and longest clip, and the whole."""
        return msg(
            "{low:.1f} s to {high:.1f} s (median {middle:.1f} s), {minutes:.1f} min in all",
            low=min(self.seconds),
            high=max(self.seconds),
            middle=statistics.median(self.seconds),
            minutes=sum(self.seconds) / 60,
        )


def summarised(folder: str, as_read: Dataset, surveyed: DatasetSurvey, found: CheckFindings) -> DatasetSummary:
    """The summary of a survey.

    Args:
        folder: Where the clips are.
        as_read: The clips without any default caption.
        surveyed: The survey.
        found: What it found, as a record.
    """
    kept = {sample.id: sample for sample in surveyed.checked.kept if not is_replay(sample)}
    texts = [_texts(sample) for sample in as_read.samples if sample.id in kept]
    captions = Counter(text for of_sample in texts for text in of_sample)
    return DatasetSummary(
        folder=folder,
        layout=surveyed.layout.name,
        seconds=tuple(sample.seconds for sample in kept.values()),
        captions=tuple(captions.most_common()),
        uncaptioned=sum(not of_sample for of_sample in texts),
        sources=len({sample.source or sample.id for sample in kept.values()}),
        found=found,
        warnings=tuple(warned(surveyed.layout.problems)),
        samples=tuple(surveyed.split.samples),
    )


def _texts(sample: Sample) -> list[str]:
    return [text for role, text in sample.texts.items() if role not in (PROMPT_TEXT, "lyrics") and text.strip()]


def warned(problems: Sequence[Finding]) -> Iterator[Message]:
    """What the layout warns of, one sentence for each kind."""
    kinds: dict[str, list[Finding]] = {}
    for problem in problems:
        if problem.level == "warn":
            kinds.setdefault(problem.message.id, []).append(problem)
    for found in kinds.values():
        first = found[0]
        if len(found) == 1:
            yield msg("{clip}: {said}", clip=first.clip, said=first.message)
        else:
            more = len(found) - 1
            yield msg("{clip}: {said} (and {more} more)", clip=first.clip, said=first.message, more=more)
