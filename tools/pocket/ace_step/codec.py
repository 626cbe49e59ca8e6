"""The pocket's mel autoencoder: ``diffusers.AutoencoderDC`` with few channels, fitted on synthesised clips.

While it is fitted, its latents are standardised per channel by a batch norm without weights, and noise is added to
them, so that the decoder forgives what a small diffusion model leaves behind. Afterwards the standardisation is folded
into the encoder's last convolution: ``(raw + 1.9091) * 0.1786``, the constants of the published checkpoint, then has
mean 0 and variance 1. (Both shortcuts around the latent are off, as they would get in the way of that.)

Shape legend: B batch, C = 2 channels, H = 128 mel bins, F mel frames; latents (B, 8, H/8, F/8).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.pocket.ace_step.corpus import RenderedSongs
from tools.pocket.pretraining import PretrainPlan, Rate, Report, Trained, train
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.ace_step.config import LATENT_SCALE, LATENT_SHIFT

LATENT_CHANNELS = 8
CROP, ROWS = 256, 8  # mel frames and clips of a batch
RATE = Rate(peak=2e-3, floor=0.01, rise=100, rise_share=math.inf)
NOISE = 0.25  # largest standard deviation of the noise on the standardised latents


def make_codec() -> Any:
    """An ``AutoencoderDC`` that has not been fitted, 0.73 M parameters.

    Its first stage has no layers, which lets diffusers halve the picture at once: the full size is where the time goes.
    """
    from diffusers import AutoencoderDC

    widths, layers = (20, 20, 40, 80), (0, 1, 1, 2)
    none: Any = ((), (), (), ())
    return AutoencoderDC(
        in_channels=2, latent_channels=LATENT_CHANNELS, attention_head_dim=20,
        encoder_block_types=("ResBlock",) * 4, decoder_block_types=("ResBlock",) * 4,
        encoder_block_out_channels=widths, decoder_block_out_channels=widths,
        encoder_layers_per_block=layers, decoder_layers_per_block=layers,
        encoder_qkv_multiscales=none, decoder_qkv_multiscales=none,
        downsample_block_type="Conv", upsample_block_type="pixel_shuffle",
        encoder_out_shortcut=False, decoder_in_shortcut=False,
    )  # fmt: skip


def to_latents(codec: Any, mel: torch.Tensor) -> torch.Tensor:
    """Scaled latents (B, 8, H/8, F/8) of normalised mels (B, C, H, F)."""
    raw: torch.Tensor = codec.encoder(mel)
    return (raw - LATENT_SHIFT) * LATENT_SCALE


def to_mel(codec: Any, latents: torch.Tensor) -> torch.Tensor:
    """The way back."""
    mel: torch.Tensor = codec.decoder(latents / LATENT_SCALE + LATENT_SHIFT)
    return mel


def fit_codec(
    songs: RenderedSongs, plan: PretrainPlan, *, seed: int, state: Path, report: Report
) -> tuple[Any, Trained]:
    """Fit an ``AutoencoderDC`` on all of ``songs`` by :func:`train`.

    Args:
        songs: Of every style, the example style too: a codec is general, only the transformer must not know it.
        plan: How long.
        seed: Of the weights and the batches.
        state: Where to keep the unfinished training.
        report: Called after each update.
    """
    torch.manual_seed(seed)
    codec = make_codec().to(memory_format=torch.channels_last)
    standardise = torch.nn.BatchNorm2d(LATENT_CHANNELS, affine=False, momentum=0.02)
    with torch.no_grad():  # its input will be 5.6 times larger than a convolution is initialised for
        codec.decoder.conv_in.weight.mul_(LATENT_SCALE)
    held = torch.nn.ModuleList([codec, standardise])
    optimizer = _optimizer(codec)
    silence = torch.from_numpy(np.asarray(songs.mels[:64], np.float32)).amin(dim=(0, 1, 3))

    def loss(number: int) -> torch.Tensor:
        rng = ItemRng(seed, number, "pocket ace codec").generator("batch")
        mel = _batch(songs, silence, rng).contiguous(memory_format=torch.channels_last)
        return _loss(codec, standardise, mel, rng)

    used = train(held, optimizer, plan, RATE, loss, state=state, report=report)
    codec = codec.to(memory_format=torch.contiguous_format).eval()
    _fold(codec, songs, silence, seed)
    return codec, used


def _loss(codec: Any, standardise: torch.nn.Module, mel: torch.Tensor, rngs: np.random.Generator) -> torch.Tensor:
    """Absolute plus squared error of the mel after a noisy latent."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        latent = standardise(codec.encoder(mel).float())
        level = torch.from_numpy(rngs.uniform(0, NOISE, (len(mel), 1, 1, 1)).astype(np.float32))
        noise = torch.from_numpy(rngs.standard_normal(latent.shape, dtype=np.float32))
        again = to_mel(codec, latent + level * noise)
    error = again.float() - mel
    loss: torch.Tensor = error.abs().mean() + 2 * error.square().mean()
    return loss


def _batch(songs: RenderedSongs, silence: torch.Tensor, rngs: np.random.Generator) -> torch.Tensor:
    """Crops (B, C, H, F), some of them mono, mirrored, quieter or ending in ``silence`` (H,)."""
    rows = []
    for _ in range(ROWS):
        clip = int(rngs.integers(len(songs.captions)))
        start = int(rngs.integers(songs.mels.shape[-1] - CROP + 1))
        mel = torch.from_numpy(songs.mels[clip, :, :, start : start + CROP].astype(np.float32))
        if rngs.random() < 0.5:
            mel = mel.flip(0)
        if rngs.random() < 0.2:
            mel = mel[:1].repeat(2, 1, 1)
        if rngs.random() < 0.3:  # 2/14 of the normalised range is a factor of e
            mel = torch.maximum(mel - float(rngs.uniform(0, 2.0)) / 7, silence[:, None])
        if rngs.random() < 0.06:
            mel[..., int(rngs.integers(CROP)) :] = silence[:, None]
        rows.append(mel)
    return torch.stack(rows)


@torch.no_grad()
def _fold(codec: Any, songs: RenderedSongs, silence: torch.Tensor, seed: int, batches: int = 40) -> None:
    """Rescale the encoder's output to the mean and deviation that the published constants expect."""
    rngs = ItemRng(seed, 0, "pocket ace codec").generator("fold")
    raw = torch.cat([codec.encoder(_batch(songs, silence, rngs)) for _ in range(batches)])
    mean, deviation = raw.mean(dim=(0, 2, 3)), raw.std(dim=(0, 2, 3))
    gain = 1.0 / (LATENT_SCALE * deviation)
    out = codec.encoder.conv_out
    out.weight.mul_(gain[:, None, None, None])
    out.bias.copy_((out.bias - mean) * gain + LATENT_SHIFT)


def _optimizer(codec: Any) -> torch.optim.Optimizer:
    """AdamW; the decoder's first convolution has small weights and therefore a small rate."""
    first = codec.decoder.conv_in.weight
    others = [p for p in codec.parameters() if p is not first]
    groups = [{"params": others, "scale": 1.0}, {"params": [first], "scale": LATENT_SCALE}]
    return torch.optim.AdamW(groups, lr=RATE.peak, betas=(0.9, 0.98), weight_decay=0.01)
