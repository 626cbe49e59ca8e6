"""Facts of a Step-Audio-EditX checkpoint."""

from __future__ import annotations

from tunesmith.families.contract import Card, ModelCard, Networks
from tunesmith.families.step_audio.checkpoint import CONFIG_FILE, StepAudioCheckpoint
from tunesmith.families.step_audio.config import LICENCE


class StepAudioCard(Card):
    """Sizes and licence."""

    def __init__(self, checkpoint: StepAudioCheckpoint, networks: Networks) -> None:
        super().__init__(checkpoint)
        self.checkpoint, self.networks = checkpoint, networks

    def facts(self) -> ModelCard:
        """Sizes and licence from configs and file headers."""
        from tunesmith.families.step_audio.published import card_of

        checkpoint = self.checkpoint
        run = (checkpoint.settings, self.networks.phases())
        return card_of(self.path, LICENCE, checkpoint.configs, run, (checkpoint.folder, checkpoint.flow_folder))

    def published(self) -> ModelCard | None:
        """Published sizes of the checkpoint on the Hub."""
        from tunesmith.families.step_audio.published import published_card

        return published_card(self.path, self.checkpoint.settings, self.networks.phases())

    @property
    def base_name(self) -> str:
        """The hub id or folder."""
        return str(self.checkpoint.folder) if self.checkpoint.pocket else self.path

    @property
    def config_file(self) -> str:
        """The index of the LLM's weights."""
        return CONFIG_FILE
