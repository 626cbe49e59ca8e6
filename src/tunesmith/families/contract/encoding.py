"""Role encoding: what is encoded once per sample, and by which encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import numpy as np

from tunesmith.data.fields import FieldSpec
from tunesmith.data.sample import Sample


class Encoder(ABC):
    """The frozen parts of a model, alive only while encoding (a context manager, so that they leave the memory)."""

    @abstractmethod
    def encode(self, sample: Sample, fields: Sequence[str]) -> dict[str, np.ndarray]:
        """Encode ``fields`` of one sample, unpadded and alone, with the same front end that generation uses."""

    def round_trip(self, audio: np.ndarray) -> np.ndarray | None:
        """Audio (C, N) through the codec and back: the best any adapter can sound; ``None`` where there is no codec."""
        return None


class Encoding(ABC):
    """How samples become what the cache keeps.

    Attributes:
        present: The encoder that the :meth:`kept` or :meth:`staying` block holds that the caller is in; else ``None``.
    """

    present: Encoder | None = None
    _stays: ExitStack | None = None

    @abstractmethod
    def fields(self) -> tuple[FieldSpec, ...]:
        """Everything that is encoded once per sample."""

    @abstractmethod
    def field_key(self, sample: Sample, name: str) -> str:
        """What decides the content of a field: audio bytes, text, component weights, settings; never a file name."""

    @abstractmethod
    def encoder(self, device: str = "cpu") -> AbstractContextManager[Encoder]:
        """Load the frozen encoders for the length of a ``with`` block."""

    @contextmanager
    def kept(self, device: str = "cpu") -> Iterator[Encoder]:
        """:meth:`encoder`, loaded once for all blocks and generators inside of the outermost one."""
        if present := self.shared(device):
            yield present
            return
        with self._opened(device) as encoder:
            yield encoder

    def shared(self, device: str = "cpu") -> Encoder | None:
        """The encoder whose parts a generator may use: the present one; a :meth:`staying` block opens it now."""
        if self.present is None and self._stays is not None:
            return self._stays.enter_context(self._opened(device))
        return self.present

    @contextmanager
    def staying(self) -> Iterator[None]:
        """What is loaded inside of this block stays loaded until its end."""
        if self._stays is not None:
            yield
            return
        with ExitStack() as stack:
            self._stays = stack
            try:
                yield
            finally:
                self._stays = None

    @contextmanager
    def _opened(self, device: str) -> Iterator[Encoder]:
        with self.encoder(device) as encoder:
            self.present = encoder
            try:
                yield encoder
            finally:
                self.present = None
