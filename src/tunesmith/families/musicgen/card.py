"""Facts of a MusicGen checkpoint."""

from __future__ import annotations

from tunesmith.families.contract import Card, ModelCard
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.config import LICENCE


class MusicGenCard(Card):
    """Sizes and licence."""

    def __init__(self, checkpoint: MusicGenCheckpoint) -> None:
        super().__init__(checkpoint)
        self.checkpoint = checkpoint

    def facts(self) -> ModelCard:
        """Sizes and licence from the config."""
        from tunesmith.families.musicgen.sizes import parameter_count
        from tunesmith.families.musicgen.source import weight_files

        config, pocket = self.checkpoint.config, self.checkpoint.pocket
        trained, total = parameter_count(config)
        return ModelCard(
            family="musicgen",
            path=self.path,
            licence="Apache-2.0" if pocket else LICENCE,
            sample_rate=config.sample_rate,
            channels=config.channels,
            frame_rate=config.frame_rate,
            max_seconds=config.max_seconds,
            parameters=total,
            trained_parameters=trained,
            weights_bytes=sum(f.stat().st_size for f in weight_files(self.checkpoint.folder)),
        )

    def published(self) -> ModelCard | None:
        """Published sizes of Meta's checkpoints on the Hub."""
        from tunesmith.families.musicgen.published import published_card

        return published_card(self.path)

    @property
    def base_name(self) -> str:
        """The hub id or folder; for the pocket model the folder it ships in, which plain PEFT can load."""
        return str(self.checkpoint.folder) if self.checkpoint.pocket else self.path
