"""The clips of a run as far as planning needs them: how long they are, and how many make up a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.data.mapped_manifest import MappedSamples, samples_on
from tunesmith.data.replay import mix_of
from tunesmith.data.sample import Sample
from tunesmith.recipe.models import DataRecipe


@dataclass(frozen=True)
class PlannedClips:
    """Lengths in seconds.

    Attributes:
        train: Every clip that is trained on.
        valid: Every held-out clip.
        per_pass: Clips of one pass; fewer or more than ``train`` where replay clips are drawn.
    """

    train: tuple[float, ...]
    valid: tuple[float, ...]
    per_pass: int

    @property
    def total(self) -> float:
        """Seconds of everything that is encoded."""
        return sum(self.train) + sum(self.valid)

    @property
    def count(self) -> int:
        """How many clips there are."""
        return len(self.train) + len(self.valid)

    def longest(self, data: DataRecipe, *, whole: bool) -> float:
        """Seconds of the longest crop, or of the longest clip where clips are trained on ``whole``."""
        longest = max(self.train, default=0.0)
        return longest if whole else min(longest, data.max_seconds)

    def mean(self, data: DataRecipe, *, whole: bool) -> float:
        """Mean seconds of a crop: clips shorter than the window keep their length, longer ones are cut at random."""
        drawn = (data.min_crop_seconds + data.max_seconds) / 2
        crops = [seconds if whole or seconds <= data.max_seconds else drawn for seconds in self.train]
        return sum(crops) / max(1, len(crops))

    def held_out(self, data: DataRecipe, *, whole: bool) -> float:
        """Seconds of one measurement of the held-out clips."""
        return sum(seconds if whole else min(seconds, data.max_seconds) for seconds in self.valid)


def planned_clips(samples: Sequence[Sample], replay_share: float) -> PlannedClips:
    """The clips of a manifest."""
    training = samples_on(samples, "train")
    mix = mix_of(training, replay_share)
    return PlannedClips(
        train=_seconds(training),
        valid=_seconds(samples_on(samples, "valid")),
        per_pass=mix.per_epoch if mix else len(training),
    )


def _seconds(samples: Sequence[Sample]) -> tuple[float, ...]:
    if isinstance(samples, MappedSamples):
        return tuple(samples.seconds.tolist())
    return tuple(sample.seconds for sample in samples)
