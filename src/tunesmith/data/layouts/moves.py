"""What a layout's lists have to say of a copy in which clips have other names, lie elsewhere or were left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tunesmith.data.sample import AudioRef


@dataclass(frozen=True)
class Moves:
    """Where the clips of a dataset lie in its copy.

    Attributes:
        places: Path in the copy of every audio, relative to it, by file and span (without duration).
        gone: Ids of samples that the copy leaves out.
        cut: Spans that became files of their own, so that they have no start and end any more.
    """

    places: Mapping[AudioRef, PurePosixPath]
    gone: frozenset[str] = frozenset()
    cut: frozenset[AudioRef] = field(default_factory=frozenset)

    def place(self, path: Path) -> PurePosixPath | None:
        """Where a whole file lies in the copy; ``None`` where it is not there."""
        return self.places.get(AudioRef(str(path.absolute())))

    def moved(self, ref: AudioRef) -> AudioRef:
        """A reference as the copy has it, with its path relative to the copy."""
        key = replace(ref, duration=None)
        path = str(self.places[key])
        return AudioRef(path) if key in self.cut else replace(ref, path=path)
