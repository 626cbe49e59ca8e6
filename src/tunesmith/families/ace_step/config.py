"""Facts of an ACE-Step v1 checkpoint, read from its four folders' ``config.json``; no literal of one model size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.families.config_file import read_config_file
from tunesmith.texts import msg

NETWORK = "transformer"
"""The one network that trains."""
LICENCE = "Apache-2.0"
TRANSFORMER, DCAE, VOCODER, TEXT = "ace_step_transformer", "music_dcae_f8c8", "music_vocoder", "umt5-base"
FOLDERS = (TRANSFORMER, DCAE, VOCODER, TEXT)
"""The four folders of a checkpoint; a folder that holds them all is one (upstream's own rule)."""

SAMPLE_RATE = 48_000
"""What goes in and comes out; the codec works at its vocoder's own rate in between."""
MAX_SECONDS = 240.0
LATENT_SHIFT, LATENT_SCALE = -1.9091, 0.1786
"""``latent = (raw - shift) * scale``: of ``music_dcae_pipeline.py``; the config's scaling_factor is unused."""
MEL_MIN, MEL_MAX = -11.0, 3.0
"""Log-mel range that maps to -1..1 before the DCAE."""
MAX_PROMPT_TOKENS, MAX_LYRIC_TOKENS = 256, 4096


@dataclass(frozen=True)
class LyricEncoderConfig:
    """Sizes of the lyric encoder; hard-coded upstream, so the real ``config.json`` does not hold them."""

    output_size: int = 1024
    attention_heads: int = 16
    linear_units: int = 4096
    num_blocks: int = 6


@dataclass(frozen=True)
class TransformerConfig:
    """``ace_step_transformer/config.json``; the defaults are the released model's, not upstream's Python defaults."""

    num_layers: int = 24
    inner_dim: int = 2560
    attention_head_dim: int = 128
    num_attention_heads: int = 20
    mlp_ratio: float = 2.5
    in_channels: int = 8
    out_channels: int = 8
    patch_size: tuple[int, int] = (16, 1)
    max_height: int = 16
    rope_theta: float = 1e6
    speaker_embedding_dim: int = 512
    text_embedding_dim: int = 768
    lyric_encoder_vocab_size: int = 6693
    lyric_hidden_size: int = 1024
    ssl_encoder_depths: tuple[int, ...] = (8, 8)
    ssl_names: tuple[str, ...] = ("mert", "m-hubert")
    ssl_latent_dims: tuple[int, ...] = (1024, 768)
    lyric_encoder: LyricEncoderConfig = field(default_factory=LyricEncoderConfig)

    @staticmethod
    def from_json(raw: dict[str, Any]) -> TransformerConfig:
        """Read a checkpoint's config; keys that size nothing (``max_position``, ``max_width``) are passed over."""
        known = {k: v for k, v in raw.items() if k in TransformerConfig.__dataclass_fields__}
        known = {k: tuple(v) if isinstance(v, list) else v for k, v in known.items()}
        if isinstance(known.get("lyric_encoder"), dict):
            sizes = {k: v for k, v in known["lyric_encoder"].items() if k in LyricEncoderConfig.__dataclass_fields__}
            known["lyric_encoder"] = LyricEncoderConfig(**sizes)
        else:
            known["lyric_encoder"] = LyricEncoderConfig(output_size=int(known.get("lyric_hidden_size", 1024)))
        return TransformerConfig(**known)


@dataclass(frozen=True)
class AceStepConfig:
    """The four parts' configs.

    Attributes:
        transformer: Sizes of the diffusion transformer.
        dcae: ``music_dcae_f8c8/config.json`` as it is, for ``diffusers.AutoencoderDC``.
        vocoder: ``music_vocoder/config.json`` as it is (mel front end and vocoder).
        text: ``umt5-base/config.json`` as it is.
    """

    transformer: TransformerConfig
    dcae: dict[str, Any]
    vocoder: dict[str, Any]
    text: dict[str, Any]

    @property
    def codec_rate(self) -> int:
        """Sampling rate of mel and vocoder, Hz (44100)."""
        return int(self.vocoder["sampling_rate"])

    @property
    def mel_hop(self) -> int:
        """Samples per mel frame at :attr:`codec_rate` (512)."""
        return int(self.vocoder["hop_length"])

    @property
    def squeeze(self) -> int:
        """Mel frames per latent frame: the DCAE halves once per level but the last (8)."""
        frames_per_latent: int = 2 ** (len(self.dcae["encoder_block_out_channels"]) - 1)
        return frames_per_latent

    @property
    def hop(self) -> int:
        """Samples at :attr:`codec_rate` per latent frame (4096)."""
        return self.mel_hop * self.squeeze

    @property
    def frame_rate(self) -> float:
        """Latent frames per second (10.766)."""
        return self.codec_rate / self.hop

    @property
    def latent_channels(self) -> int:
        """Channels of the latent (8)."""
        return self.transformer.in_channels

    @property
    def latent_height(self) -> int:
        """Height of the latent (16 = 128 mel bins / 8)."""
        return self.transformer.max_height

    def frames(self, seconds: float) -> int:
        """Latent frames of a length, as upstream counts them (rounded down); at least one."""
        return max(1, int(seconds * self.codec_rate / self.hop))


def read_config(folder: Path) -> AceStepConfig:
    """Read the four configs of a checkpoint folder.

    Raises:
        TunesmithError: naming the folder or file that is not there.
    """
    absent = [name for name in FOLDERS if not (folder / name / "config.json").is_file()]
    if absent:
        raise TunesmithError(
            msg(
                "this is not an ACE-Step v1 checkpoint: {files} missing",
                files=[f"{name}/config.json" for name in absent],
            ),
            where=str(folder),
            remedy=msg("It needs the folders {folders}.", folders=FOLDERS),
        )
    raw = {name: read_config_file(folder / name / "config.json") for name in FOLDERS}
    try:
        config = AceStepConfig(TransformerConfig.from_json(raw[TRANSFORMER]), raw[DCAE], raw[VOCODER], raw[TEXT])
        config.frames(1)  # takes what the vocoder's and the codec's configs have to say
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise TunesmithError(
            msg("sizes are missing: {keys}", keys=str(error)),
            where=str(folder),
            remedy=msg("Download the checkpoint again."),
        ) from error
    return config
