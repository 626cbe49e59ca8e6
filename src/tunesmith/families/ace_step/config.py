"""Facts of an ACE-Step v1 checkpoint, read from its four folders' ``config.json``; no literal of one model size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tunesmith.errors import TunesmithError
from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.contract import FamilySettings
from tunesmith.files import read_json

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
        return 2 ** (len(self.dcae["encoder_block_out_channels"]) - 1)

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


class AceStepSettings(FamilySettings):
    """ACE-Step's own options."""

    shift: Annotated[float, Field(ge=0.1, le=20)] = 3.0
    """Shift of the noise levels towards more noise, in training and (once more) when sampling; upstream's default."""
    text_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of items trained without tags, so that guidance keeps a sound unconditional side; upstream's rate."""
    lyric_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of items trained without lyrics; upstream's rate."""
    speaker_dropout: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of items trained without speaker vector; upstream's rate. Without speaker files it changes nothing."""
    tag_orders: Annotated[int, Field(ge=1, le=64)] = 8
    """How many orders of a clip's tags are encoded; training draws one per epoch (upstream shuffles at every step)."""
    lyric_window: bool = False
    """Give a crop only the lyrics of the sections that fall into it, by their share of the song's lines."""
    language: str = "auto"
    """Language of all lyrics (``zh``, ``en``, …); ``auto`` decides by script, then by the whole text."""
    lyric_vocabulary: str = ""
    """Path of the lyric vocabulary (``vocab.json``); empty looks beside the weights, then downloads it, checked."""
    lyric_encoder_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout in the lyric encoder while training; upstream's 0.1 makes training differ from use at step 0."""
    ssl: Literal["off", "on"] = "off"
    """Add upstream's MERT and mHuBERT projection losses, from cached features (their weights have own licences)."""
    ssl_weight: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Weight of the mean of the two projection losses; upstream's 1.0."""
    ssl_models: tuple[str, str] = ("m-a-p/MERT-v1-330M", "utter-project/mHuBERT-147")
    """Hub ids or folders of the two models, in the order of the checkpoint's ``ssl_names``."""
    base_weights: BaseWeights = "full"
    """Keep the blocks' frozen matrices in int8 (torchao) or NF4 (bitsandbytes): half or a quarter of bf16's memory."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 60
    """Sampling steps; upstream's default. 27 is its fast setting."""
    only_steps: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = ()
    """Take only these of the steps (upstream's ``oss_steps``); the last one says how many there would be."""
    scheduler: Literal["euler", "heun", "pingpong"] = "euler"
    """How the noise is removed."""
    guidance_type: Literal["apg", "cfg", "cfg_star"] = "apg"
    """How the guided direction is made."""
    guidance: Annotated[float, Field(ge=0, le=200)] = 15.0
    """Strength of guidance; 1 turns it off."""
    guidance_interval: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The middle share of the steps that is guided."""
    guidance_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How far guidance falls towards ``min_guidance`` over its interval."""
    min_guidance: Annotated[float, Field(ge=0, le=200)] = 3.0
    """Where guidance falls to under ``guidance_decay``."""
    guidance_text: Annotated[float, Field(ge=0, le=200)] = 0.0
    """Separate guidance by tags alone; with ``guidance_lyric`` (both above 1) it replaces ``guidance``."""
    guidance_lyric: Annotated[float, Field(ge=0, le=200)] = 0.0
    """Separate guidance by lyrics over tags."""
    omega: Annotated[float, Field(ge=-100, le=100)] = 10.0
    """Granularity scale of upstream's Euler and Heun steps; 0 leaves the step as it is."""
    erg_tag: bool = False
    """Guide away from weakly attended tags instead of no tags. Upstream's page has it on, where it does nothing without
    ``erg_lyric``."""
    erg_lyric: bool = False
    """Guide away from weakly attended lyrics instead of no lyrics (upstream's page has it off)."""
    erg_diffusion: bool = True
    """Guide away from weakly attending middle blocks."""
    compat: Literal["tunesmith", "upstream"] = "tunesmith"
    """``upstream`` copies its sampler bug for bug; ``tunesmith`` leaves them out (the family's README lists them)."""
    task: Literal["text2music", "retake", "repaint", "extend", "audio2audio", "edit"] = "text2music"
    """What to make of a source audio, or ``text2music`` without one."""
    variance: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How far retake and repaint may leave the first result: 0 not at all, 1 wholly."""
    retake_seed: int | None = None
    """Seed of the second noise of retake, repaint and extend; follows from the first when left out."""
    strength: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How much of the source audio2audio keeps: 1 all, 0 nothing."""
    edit_start: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Where in the steps ``edit`` begins, as a share."""
    edit_end: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Where in the steps ``edit`` goes over to plain sampling, as a share."""
    edit_averages: Annotated[int, Field(ge=1, le=64)] = 1
    """Noises averaged per step of ``edit``."""
    overlapped_decode: bool = True
    """Decode more than 48 s in overlapping windows, which bounds the memory."""


def read_config(folder: Path) -> AceStepConfig:
    """Read the four configs of a checkpoint folder.

    Raises:
        TunesmithError: naming the folder or file that is not there.
    """
    absent = [name for name in FOLDERS if not (folder / name / "config.json").is_file()]
    if absent:
        raise TunesmithError(
            f"this is not an ACE-Step v1 checkpoint: {', '.join(f'{name}/config.json' for name in absent)} missing",
            where=str(folder),
            remedy=f"It needs the folders {', '.join(FOLDERS)}.",
        )
    raw = {name: read_json(folder / name / "config.json") for name in FOLDERS}
    return AceStepConfig(TransformerConfig.from_json(raw[TRANSFORMER]), raw[DCAE], raw[VOCODER], raw[TEXT])
