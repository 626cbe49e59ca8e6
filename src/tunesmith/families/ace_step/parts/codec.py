"""Music to latents and back: the DCAE of diffusers between the mel front end and the vocoder.

Source: ``music_dcae_pipeline.py`` of ACE-Step. Shapes: C audio channels (2), N samples, M mel bins, F mel frames,
B clips, K latent channels, H latent height, T latent frames.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.audio.log_mel import LogMel
from tunesmith.audio.mel_inversion import MelInversion
from tunesmith.audio.sinc import sinc_resample
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
from tunesmith.families.ace_step.parts.overlap import decode_mel_overlapped, decode_wave_overlapped
from tunesmith.families.ace_step.parts.vocoder import Vocoder, load_log_mel, load_vocoder

OVERLAP_SECONDS = 48.0
"""Music longer than this is decoded in overlapping windows, if at all."""


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
        audio = torch.as_tensor(audio_CN, dtype=torch.float32).to(self.device)
        audio = sinc_resample(audio, SAMPLE_RATE, self.config.codec_rate)
        audio = F.pad(audio, (0, -audio.shape[-1] % self.config.hop))
        return scale_latents(self.encode_mel(self.log_mel(audio)[None]))[0].cpu()

    @torch.no_grad()
    def encode_mel(self, mel_BCMF: torch.Tensor) -> torch.Tensor:
        """Raw latents (B, K, H, T) of log-mel spectrograms."""
        mel: torch.Tensor = self.dcae_encoder((mel_BCMF - MEL_MIN) / (MEL_MAX - MEL_MIN) * 2 - 1)
        return mel

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


def scale_latents(raw: torch.Tensor) -> torch.Tensor:
    """What the transformer sees of the DCAE's output."""
    return (raw - LATENT_SHIFT) * LATENT_SCALE


def unscale_latents(latents: torch.Tensor) -> torch.Tensor:
    """The inverse of :func:`scale_latents`."""
    return latents / LATENT_SCALE + LATENT_SHIFT
