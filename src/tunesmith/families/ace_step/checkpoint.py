"""An ACE-Step v1 checkpoint: its folder and its sizes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from tunesmith.families.ace_step.config import AceStepConfig, read_config
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.source import locate
from tunesmith.families.contract import Checkpoint


class AceStepCheckpoint(Checkpoint[AceStepSettings]):
    """ACE-Step v1 (3.5 B)."""

    @cached_property
    def folder(self) -> Path:
        """The checkpoint's local folder."""
        return locate(self.path, self.revision)

    @cached_property
    def config(self) -> AceStepConfig:
        """The checkpoint's sizes."""
        return read_config(self.folder)

    @property
    def ssl_names(self) -> tuple[str, ...]:
        """Fields of the compared models' features; none unless the projection losses are on."""
        return self.config.transformer.ssl_names if self.settings.ssl == "on" else ()
