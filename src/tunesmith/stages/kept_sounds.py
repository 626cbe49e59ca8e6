"""Sounds of an unfinished evaluation, so that one that was interrupted goes on where it stopped."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data.content import content_key, file_digest
from tunesmith.files import atomic_path
from tunesmith.run.context import RunContext
from tunesmith.stages.inputs import stage_inputs
from tunesmith.training.start import fingerprint

Sound = tuple["np.ndarray[Any, Any]", int]
"""Audio (C, N) and its rate in Hz, as the model made it."""


@dataclass(frozen=True)
class KeptSounds:
    """A folder of sounds that were made with one adapter under one recipe.

    Attributes:
        folder: Where they lie; other folders beside it are of other inputs.
    """

    folder: Path

    @classmethod
    def of(cls, context: RunContext, adapter: Path) -> KeptSounds:
        """Those of an evaluation of an adapter; what was kept of another recipe or adapter is deleted."""
        # Its settings count as well: alpha stands beside the weights.
        files = (path for path in sorted(adapter.rglob("*")) if path.suffix in (".safetensors", ".json"))
        key = content_key(fingerprint(stage_inputs(context, "evaluate")), *(file_digest(path) for path in files))
        folder = context.folder.unfinished_evaluation / key
        for other in folder.parent.iterdir() if folder.parent.is_dir() else ():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        return cls(folder)

    def sounds(self, names: Sequence[str]) -> list[Sound] | None:
        """Sounds by name; ``None`` where one of them is not there whole."""
        found = []
        for name in names:
            try:
                with np.load(self.folder / f"{name}.npz", allow_pickle=False) as kept:
                    found.append((kept["audio"], int(kept["rate"])))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                return None
        return found

    def keep(self, names: Sequence[str], sounds: Sequence[Sound]) -> None:
        """Keep sounds under names.

        Raises:
            TunesmithError: when they cannot be written.
        """
        for name, (audio, rate) in zip(names, sounds, strict=True):
            with atomic_path(self.folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
                np.savez(file, audio=audio, rate=rate)

    def forget(self) -> None:
        """Delete them, once the evaluation has its own files."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
