"""A Step-Audio-EditX checkpoint: its folders, its sizes, and which of its networks a run trains."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from tunesmith.families.config_file import read_config_file
from tunesmith.families.contract import Checkpoint
from tunesmith.families.step_audio.config import FLOW, LLM, FlowConfig, Step1Config, TokenIds, known
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.source import flow_folder, is_here, locate

CONFIG_FILE = "model.safetensors.index.json"
"""A file that the checkpoint on the Hub has; in the local cache, the checkpoint was downloaded."""


class StepAudioCheckpoint(Checkpoint[StepAudioSettings]):
    """Step-Audio-EditX (LLM 3.5 B, flow 0.15 B)."""

    @property
    def here(self) -> bool:
        """Whether it is on this machine."""
        return is_here(self.path, self.revision, CONFIG_FILE)

    @cached_property
    def folder(self) -> Path:
        """The checkpoint's local folder."""
        return locate(self.path, self.revision)

    @cached_property
    def flow_folder(self) -> Path:
        """The folder of ``flow.pt``."""
        return flow_folder(self.folder, self.settings.flow_path)

    @cached_property
    def ids(self) -> TokenIds:
        """How this checkpoint numbers audio codes; as published where it is not here, as checks need none."""
        return token_ids(self.folder) if self.here else TokenIds()

    @property
    def trained(self) -> tuple[str, ...]:
        """The networks that this run trains."""
        return (LLM, FLOW) if self.settings.train == "both" else (self.settings.train,)

    @cached_property
    def configs(self) -> tuple[Step1Config, FlowConfig]:
        """Sizes of both networks."""
        from tunesmith.families.step_audio.parts.cosyvoice_yaml import read_cosyvoice
        from tunesmith.families.step_audio.parts.step1_config import read_config

        return read_config(self.folder), read_cosyvoice(self.flow_folder / "cosyvoice.yaml").flow


def token_ids(folder: Path) -> TokenIds:
    """How the checkpoint in a folder numbers audio codes; as published for a folder that is none."""
    config = folder / "config.json"
    return known(TokenIds, read_config_file(config).get("tunesmith_small") or {}) if config.is_file() else TokenIds()
