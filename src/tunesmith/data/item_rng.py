"""Random draws keyed by what they are for, never by the order in which they happen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ItemRng:
    """The source of randomness for one item in one epoch.

    Every purpose (``crop``, ``text_drop``, ``noise``) has its own stream, so adding a draw never shifts another,
    and neither batch order, batch size nor the number of processes changes any of them.
    """

    seed: int
    epoch: int
    item: str

    def generator(self, purpose: str) -> np.random.Generator:
        """A fresh generator for ``purpose``; two calls give the same stream."""
        return np.random.Generator(np.random.Philox(key=key_of(self.seed, self.epoch, self.item, purpose)))

    def seed_of(self, purpose: str) -> int:
        """A 63-bit seed for ``purpose``, for libraries with their own generators (``torch.Generator``)."""
        return key_of(self.seed, self.epoch, self.item, purpose) >> 65


def key_of(*parts: object) -> int:
    """A 128-bit integer from any printable parts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
