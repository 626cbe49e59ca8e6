"""Music to latents and back: the DCAE of diffusers between the mel front end and the vocoder.

Source: ``music_dcae_pipeline.py`` of ACE-Step. Shapes: C audio channels (2), N samples, M mel bins, F mel frames,
B clips, K latent channels, H latent height, T latent frames.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.audio.log_mel import LogMel
from tunesmith.audio.mel_inversion import MelInversion
from tunesmith.audio.sinc import sinc_blocks, sinc_resample
from tunesmith.audio.stream import SoundStream
from tunesmith.families.ace_step.config import (
    DCAE,
    LATENT_SCALE,
    LATENT_SHIFT,
    MEL_MAX,
    MEL_MIN,
    SAMPLE_RATE,
    VOCODER,
    AceStepConfig,
)
from tunesmith.families.ace_step.parts.dcae import load_dcae
from tunesmith.families.ace_step.parts.long_dcae import encode_pieces
from tunesmith.families.ace_step.parts.overlap import decode_mel_overlapped, decode_wave_overlapped
from tunesmith.families.ace_step.parts.vocoder import Vocoder, load_log_mel, load_vocoder

PIECE_FRAMES = 2048
"""Mel frames that are encoded at once (24 s); longer music is encoded in pieces, with the latents of the whole."""
OVERLAP_SECONDS = 48.0
"""Music longer than this is decoded in overlapping windows, if at all."""

Mel = TypeVar("Mel", torch.Tensor, np.ndarray)


class MusicCodec:
    """The frozen codec; every part is loaded when it is first needed, so encoding loads no decoder and no vocoder.

    Args:
        folder: The checkpoint, with ``music_dcae_f8c8`` and ``music_vocoder`` in it.
        config: Its configs.
        device: Where the networks run; what they give is returned on the CPU.
    """

    def __init__(self, folder: Path, config: AceStepConfig, device: str) -> None:
        self.folder, self.config, self.device = folder, config, device

    @cached_property
    def log_mel(self) -> LogMel:
        """The front end."""
        return load_log_mel(self.folder / VOCODER, self.config.vocoder).to(self.device)

    @cached_property
    def dcae_encoder(self) -> nn.Module:
        """Normalised mel (B, C, M, F) to raw latents."""
        return load_dcae(self.folder / DCAE, self.config.dcae, "encoder").to(self.device)

    @cached_property
    def dcae_decoder(self) -> nn.Module:
        """Raw latents to normalised mel (B, C, M, F)."""
        return load_dcae(self.folder / DCAE, self.config.dcae, "decoder").to(self.device)

    @cached_property
    def vocoder(self) -> Vocoder | MelInversion:
        """Log-mel (B, M, F) to audio."""
        return load_vocoder(self.folder / VOCODER, self.config.vocoder).to(self.device)

    @torch.no_grad()
    def encode(self, audio_CN: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Latents (K, H, T) float32 of one unpadded stereo clip at 48 kHz.

        T = ceil(N44 / hop): the end is filled with silence up to a whole latent frame.
        """
        return self.encode_stream(SoundStream([np.asarray(audio_CN, np.float32)]))

    @torch.no_grad()
    def encode_stream(self, sound: SoundStream) -> torch.Tensor:
        """:meth:`encode` of a clip that is read piece by piece; memory does not grow with its length."""
        config = self.config
        longest = PIECE_FRAMES * config.mel_hop * SAMPLE_RATE // config.codec_rate
        if not sound.holds(longest + 1):
            return self._encode_whole(sound.take(0))
        native = SoundStream(filled_up(sinc_blocks(sound, SAMPLE_RATE, config.codec_rate), config.hop))
        mel = SoundStream(map(normalised, self.log_mel.blocks(native)))
        return scale_latents(encode_pieces(self.dcae_encoder, mel, PIECE_FRAMES, self.device))[0]

    def _encode_whole(self, audio_CN: np.ndarray) -> torch.Tensor:
        audio = torch.from_numpy(audio_CN).to(self.device)
        audio = sinc_resample(audio, SAMPLE_RATE, self.config.codec_rate)
        audio = F.pad(audio, (0, -audio.shape[-1] % self.config.hop))
        return scale_latents(self.encode_mel(self.log_mel(audio)[None]))[0].cpu()

    @torch.no_grad()
    def encode_mel(self, mel_BCMF: torch.Tensor) -> torch.Tensor:
        """Raw latents (B, K, H, T) of log-mel spectrograms."""
        raw: torch.Tensor = self.dcae_encoder(normalised(mel_BCMF))
        return raw

    @torch.no_grad()
    def decode_mel(self, latents_BKHT: torch.Tensor, *, overlapped: bool = False) -> torch.Tensor:
        """Log-mel (B, C, M, F) of latents, F = T times the DCAE's squeeze."""
        raw = unscale_latents(latents_BKHT.float().to(self.device))
        if overlapped:
            normal = decode_mel_overlapped(self.dcae_decoder, raw, self.config.squeeze)
        else:
            normal = self.dcae_decoder(raw)
        return (normal * 0.5 + 0.5) * (MEL_MAX - MEL_MIN) + MEL_MIN

    @torch.no_grad()
    def decode_native(self, latents_KHT: torch.Tensor, *, overlapped: bool) -> torch.Tensor:
        """Audio (C, T * hop) of one clip at the codec's own rate, on the CPU."""
        mel_CMF = self.decode_mel(latents_KHT[None], overlapped=overlapped)[0]
        if overlapped and isinstance(self.vocoder, Vocoder):
            return decode_wave_overlapped(self.vocoder.decode, mel_CMF, self.config.mel_hop)
        # One channel at a time: the vocoder's feature maps are the largest tensors of a decode.
        return torch.cat([self.vocoder.decode(channel).cpu() for channel in mel_CMF.split(1)])

    def decode(
        self, latents_BKHT: torch.Tensor, *, overlapped: bool, seconds: Sequence[float] | None = None
    ) -> list[np.ndarray]:
        """Audio (C, N) float32 at 48 kHz of each clip.

        Args:
            latents_BKHT: Latents as :meth:`encode` gives them.
            overlapped: Decode clips of more than 48 s in overlapping windows, which bounds the memory.
            seconds: Cut each clip to this length. Latents end on a whole frame, so up to 93 ms of it may be missing.
        """
        clips = []
        for index, latents in enumerate(latents_BKHT):
            windows = overlapped and latents.shape[-1] > self.config.frames(OVERLAP_SECONDS)
            audio = sinc_resample(self.decode_native(latents, overlapped=windows), self.config.codec_rate, SAMPLE_RATE)
            length = audio.shape[-1] if seconds is None else round(seconds[index] * SAMPLE_RATE)
            clips.append(audio[:, :length].numpy())
        return clips

    def close(self) -> None:
        """Free the weights."""
        for name in ("log_mel", "dcae_encoder", "dcae_decoder", "vocoder"):
            self.__dict__.pop(name, None)
        gc.collect()


def normalised(mel: Mel) -> Mel:
    """Log-mel as the DCAE takes it."""
    return (mel - MEL_MIN) / (MEL_MAX - MEL_MIN) * 2 - 1


def filled_up(blocks: Iterable[np.ndarray], hop: int) -> Iterator[np.ndarray]:
    """Blocks (C, N), then silence up to a whole number of hops."""
    length = 0
    for block in blocks:
        length += block.shape[-1]
        yield block
    yield np.zeros((*block.shape[:-1], -length % hop), np.float32)


def scale_latents(raw: torch.Tensor) -> torch.Tensor:
    """What the transformer sees of the DCAE's output."""
    return (raw - LATENT_SHIFT) * LATENT_SCALE


def unscale_latents(latents: torch.Tensor) -> torch.Tensor:
    """The inverse of :func:`scale_latents`."""
    return latents / LATENT_SCALE + LATENT_SHIFT
