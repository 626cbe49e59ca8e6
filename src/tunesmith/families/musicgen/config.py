"""Facts of a MusicGen checkpoint, read from its ``config.json``; nothing here is a literal of one model size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import msg

NETWORK = "decoder"
"""The one network that trains."""
MAX_TEXT_TOKENS = 512
"""Tokens of a caption that T5 is given; what follows is cut off."""
LICENCE = "CC BY-NC 4.0"  # audiocraft's LICENSE_weights; adapters inherit it

# transformers' own class defaults, for keys that a config.json may leave out
_DECODER_DEFAULTS = {
    "vocab_size": 2048,
    "num_codebooks": 4,
    "audio_channels": 1,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "ffn_dim": 4096,
    "num_attention_heads": 16,
}


@dataclass(frozen=True)
class MusicGenConfig:
    """Sizes and token ids of one checkpoint.

    Attributes:
        vocab_size: Codes per codebook (V); the id V itself is padding and start.
        num_codebooks: Codebooks over all channels (K): 4 mono, 8 stereo.
        channels: Audio channels: 1 or 2.
        delays: Delay in frames of each codebook, length K; stereo pairs share one.
        sample_rate: Audio rate in Hz.
        hop: Samples per frame.
        max_seconds: Longest window the model was trained on.
    """

    vocab_size: int
    num_codebooks: int
    channels: int
    delays: tuple[int, ...]
    sample_rate: int
    hop: int
    max_seconds: float
    hidden_size: int
    layers: int
    ffn_dim: int
    text_size: int
    raw: dict[str, Any]

    @property
    def pad(self) -> int:
        """The id that stands for «nothing here», also the start token."""
        return self.vocab_size

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @property
    def codebooks_per_channel(self) -> int:
        """Codebooks of the mono codec that every channel goes through."""
        return self.num_codebooks // self.channels

    def frames(self, samples: int) -> int:
        """Frames of an unpadded clip: whole hops only, as AudioCraft counts them."""
        return samples // self.hop


def read_config(folder: Path) -> MusicGenConfig:
    """Read a checkpoint's sizes.

    Raises:
        TunesmithError: when it is not a MusicGen checkpoint, or one of a kind that is not supported yet.
    """
    path = folder / "config.json"
    if not path.exists():
        raise TunesmithError(
            msg("this folder holds no config.json"),
            where=str(folder),
            remedy=msg("Name the folder of a MusicGen checkpoint."),
        )
    raw = read_json(path)
    kind = raw.get("model_type") if isinstance(raw, dict) else None
    refuse_unsupported(str(folder), kind)
    if kind != "musicgen":
        raise TunesmithError(
            msg("this checkpoint is of type `{model_type}`, not MusicGen", model_type=kind),
            where=str(path),
            remedy=msg("Name a MusicGen checkpoint."),
        )
    return parse_config(raw, str(path))


def parse_config(raw: dict[str, Any], where: str) -> MusicGenConfig:
    """Sizes from a parsed ``config.json``."""
    try:
        decoder = _DECODER_DEFAULTS | raw["decoder"]
        codec = raw["audio_encoder"]
        hop = 1
        for ratio in codec.get("upsampling_ratios", (8, 5, 4, 2)):
            hop *= ratio
        channels, codebooks = decoder["audio_channels"], decoder["num_codebooks"]
        return MusicGenConfig(
            vocab_size=decoder["vocab_size"],
            num_codebooks=codebooks,
            channels=channels,
            delays=tuple(k // channels for k in range(codebooks)),
            sample_rate=codec.get("sampling_rate", 24000),
            hop=hop,
            max_seconds=30.0,
            hidden_size=decoder["hidden_size"],
            layers=decoder["num_hidden_layers"],
            ffn_dim=decoder["ffn_dim"],
            text_size=raw["text_encoder"].get("d_model", 512),
            raw=raw,
        )
    except (KeyError, TypeError) as error:
        raise TunesmithError(
            msg("this MusicGen config lacks {key}", key=error),
            where=where,
            remedy=msg("Take the checkpoint's own config.json."),
        ) from error


def refuse_unsupported(path: str, kind: str | None = None) -> None:
    """Refuse the two MusicGen kinds whose conditioning is different, with a sentence."""
    name = path.lower().rstrip("/").rsplit("/", 1)[-1]
    if kind == "musicgen_melody" or "musicgen-melody" in name or "musicgen-stereo-melody" in name:
        raise TunesmithError(
            msg(
                "MusicGen-melody is not supported yet: it conditions on a chromagram by prefix, without cross-attention"
            ),
            where=path,
            remedy=msg("Use musicgen-small, -medium or -large, mono or stereo."),
        )
    if "musicgen-style" in name:
        raise TunesmithError(
            msg("MusicGen-style is not supported yet: it exists only in AudioCraft's own format"),
            where=path,
            remedy=msg("Use musicgen-small, -medium or -large, mono or stereo."),
        )
