"""Small front ends for the pocket model, in place of the large networks of the released checkpoint.

Codes come from k-means over mel frames (not from Paraformer and the CosyVoice tokeniser), the speaker vector from mel
statistics (not from CAM++), sound from Griffin-Lim (not from HiFT). None of them is compatible with the released ones;
they share the interfaces and the rates alone. A folder that has :data:`SETTINGS` asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import GROUP_SECONDS, MelConfig, known
from tunesmith.texts import msg

if TYPE_CHECKING:
    import torch

SETTINGS, TENSORS = "small_frontend.json", "small_frontend.safetensors"


@dataclass(frozen=True)
class SmallConfig:
    """``small_frontend.json``.

    Attributes:
        mel: Of the spectrogram that everything here starts from; the flow's own.
        mel_floor: Natural-log magnitude that quieter frames are raised to, for tokens and speaker vector.
        cepstra: Cosine coefficients of a mel frame that linguistic codes are made from, without the first (the level).
        iterations: Rounds of Griffin-Lim.
    """

    mel: MelConfig = field(default_factory=MelConfig)
    mel_floor: float = -7.0
    cepstra: int = 24
    iterations: int = 48

    @property
    def group(self) -> int:
        """Samples of one group of codes (2880)."""
        return round(GROUP_SECONDS * self.mel.sampling_rate)


def read_small(folder: Path) -> tuple[dict[str, torch.Tensor], SmallConfig]:
    """Tensors and settings of the small front ends in a checkpoint folder.

    Raises:
        TunesmithError: when one of the two files is missing or broken.
    """
    from tunesmith.families.component import read_tensors
    from tunesmith.families.config_file import read_config_file

    if not (folder / SETTINGS).is_file():
        raise TunesmithError(
            msg("there is no {file}", file=SETTINGS),
            where=str(folder),
            remedy=msg("Only a pocket checkpoint has small front ends."),
        )
    raw = read_config_file(folder / SETTINGS)
    try:
        config = known(SmallConfig, {**raw, "mel": known(MelConfig, raw["mel"])})
    except (KeyError, TypeError, AttributeError) as error:
        raise TunesmithError(
            msg("sizes are missing: {keys}", keys=str(error)),
            where=str(folder / SETTINGS),
            remedy=msg("Download the checkpoint again."),
        ) from error
    return read_tensors(folder / TENSORS), config
