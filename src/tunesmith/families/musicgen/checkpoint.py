"""A MusicGen checkpoint: its folder and its sizes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from tunesmith.families.contract import Checkpoint
from tunesmith.families.musicgen.config import MusicGenConfig, read_config
from tunesmith.families.musicgen.settings import MusicGenSettings
from tunesmith.families.musicgen.source import locate


class MusicGenCheckpoint(Checkpoint[MusicGenSettings]):
    """MusicGen small, medium or large, mono or stereo."""

    @cached_property
    def folder(self) -> Path:
        """The checkpoint's local folder."""
        return locate(self.path, self.revision)

    @cached_property
    def config(self) -> MusicGenConfig:
        """The checkpoint's sizes."""
        return read_config(self.folder)
