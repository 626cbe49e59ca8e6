"""Encoded clips as training sees them: one row per sample, cropped on reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.data.cache import DamagedEntryError, EncodedStore
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Family


@dataclass(frozen=True)
class Crop:
    """What of a clip is read: a window in frames of the field with the finest clock, and one of its variants.

    Attributes:
        start: First frame.
        length: Frames.
        variant: 0 for the sample as it is, else the number of one of :attr:`Sample.variants`, from 1.
    """

    start: int
    length: int
    variant: int = 0


class Clips:
    """A set of encoded samples with random (training) or fixed (held-out) windows.

    Args:
        family: Names the fields and computes their keys.
        store: The encoded store.
        samples: Samples that are all encoded.
        max_frames: Longest window; clips up to it keep their true length.
        min_frames: Shortest random window of a longer clip.
    """

    def __init__(
        self, family: Family, store: EncodedStore, samples: Sequence[Sample], *, max_frames: int, min_frames: int
    ) -> None:
        self.samples = tuple(samples)
        self.ids = [sample.id for sample in samples]
        self.store = store
        self.specs = family.encoding.fields()
        each = [sample.in_variants() for sample in samples]
        keys = [
            {spec.name: family.encoding.field_key(variant, spec.name) for spec in self.specs}
            for variants in each
            for variant in variants
        ]
        self.rows = store.rows(keys)
        self.counts = [len(variants) for variants in each]
        self._firsts = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)
        self.clock = next((spec for spec in self.specs if spec.time_axis is not None), None)
        self.frames = np.array([self._frames(i) for i in range(len(samples))], np.int64)
        self.max_frames, self.min_frames = max_frames, min(min_frames, max_frames)

    def __len__(self) -> int:
        return len(self.ids)

    def _frames(self, index: int) -> int:
        if self.clock is None:
            return 1
        row = int(self.rows[self.clock.name][self._firsts[index]])
        return self.store.fields[self.clock.name].shape(row)[self.clock.time_axis or 0]

    def crop(self, index: int, rngs: ItemRng | None) -> Crop:
        """The window of one clip, all of it if it fits, and its variant: drawn (training) or the first (held-out)."""
        frames, variant = int(self.frames[index]), self._variant(index, rngs)
        if frames <= self.max_frames:
            return Crop(0, frames, variant)
        if rngs is None:
            return Crop(0, self.max_frames)
        generator = rngs.generator("crop")
        length = int(generator.integers(self.min_frames, self.max_frames + 1))
        return Crop(int(generator.integers(0, frames - length + 1)), length, variant)

    def _variant(self, index: int, rngs: ItemRng | None) -> int:
        count = self.counts[index]
        return 0 if rngs is None or count == 1 else int(rngs.generator("variant").integers(count))

    def read(self, index: int, crop: Crop) -> dict[str, np.ndarray]:
        """The encoded fields of one clip inside ``crop``.

        Raises:
            DamagedEntryError: naming the clip whose bytes are not those that were encoded.
        """
        try:
            return self._read(index, crop)
        except DamagedEntryError as error:
            raise DamagedEntryError(error.folder, error.field, self.ids[index]) from error

    def _read(self, index: int, crop: Crop) -> dict[str, np.ndarray]:
        item = {"crop": np.array([crop.start, crop.length, self.frames[index]], np.int64)}
        for spec in self.specs:
            store, row = self.store.fields[spec.name], int(self.rows[spec.name][self._firsts[index] + crop.variant])
            if spec.time_axis is None or self.clock is None:
                item[spec.name] = store.read(row)
            else:
                ratio = (spec.rate or 1.0) / (self.clock.rate or 1.0)
                item[spec.name] = store.read(row, round(crop.start * ratio), round(crop.length * ratio))
        return item
