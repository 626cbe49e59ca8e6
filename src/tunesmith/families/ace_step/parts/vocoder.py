"""From log-mel to sound: the checkpoint's neural vocoder, or an analytic inversion where it ships none.

Source: ``music_vocoder.py`` of ACE-Step. Shapes: B rows (channels of the music), M mel bins, F frames, N samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.audio.log_mel import LogMel
from tunesmith.audio.mel_inversion import MelInversion
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.parts.convnext import ConvNeXt
from tunesmith.families.ace_step.parts.hifigan import HiFiGAN
from tunesmith.families.component import DIFFUSERS_WEIGHTS, build, fold_weight_norm, read_tensors
from tunesmith.texts import msg

_MEL_PREFIX = "mel_transform."


class Vocoder(nn.Module):
    """ConvNeXt backbone and HiFi-GAN head; ``mel_transform`` is the front end whose spectra it inverts.

    Args:
        config: ``music_vocoder/config.json``.

    Raises:
        TunesmithError: for the options of that config that the released vocoder does not use.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        if config["use_template"] or len(config["kernel_sizes"]) != 1:
            raise TunesmithError(
                msg("this vocoder's config has use_template or several kernel_sizes, which are not supported"),
                where="music_vocoder/config.json",
                remedy=msg("Use the vocoder of ACE-Step-v1-3.5B."),
            )
        self.backbone = ConvNeXt(
            config["input_channels"], config["depths"], config["dims"], int(config["kernel_sizes"][0])
        )
        self.head = HiFiGAN(
            features=config["num_mels"],
            width=config["upsample_initial_channel"],
            upsample_rates=config["upsample_rates"],
            upsample_kernels=config["upsample_kernel_sizes"],
            resblock_kernels=config["resblock_kernel_sizes"],
            resblock_dilations=config["resblock_dilation_sizes"],
            end_kernels=(config["pre_conv_kernel_size"], config["post_conv_kernel_size"]),
        )
        self.mel_transform = LogMel(config)

    @torch.no_grad()
    def decode(self, mel_BMF: torch.Tensor) -> torch.Tensor:
        """Audio (B, F * hop_length) of log-mel spectrograms."""
        wave: torch.Tensor = self.head(self.backbone(mel_BMF))
        return wave


def load_vocoder(folder: Path, config: dict[str, Any]) -> Vocoder | MelInversion:
    """The vocoder of a ``music_vocoder`` folder, frozen, fp32, on the CPU.

    Args:
        folder: The ``music_vocoder`` folder itself.
        config: Its ``config.json``; ``"_class_name": "MelInversion"`` asks for the analytic one, which has no weights.

    Raises:
        TunesmithError: when the weights are missing or do not fit.
    """
    if config.get("_class_name") == "MelInversion":
        return MelInversion(config)
    file = folder / DIFFUSERS_WEIGHTS
    return build(lambda: Vocoder(config), fold_weight_norm(read_tensors(file)), file)


def load_log_mel(folder: Path, config: dict[str, Any]) -> LogMel:
    """The mel front end alone, with window and filterbank as the vocoder's file holds them (in the file's precision).

    The released latents were made with those, so they are read rather than computed again.
    """
    if config.get("_class_name") == "MelInversion":
        return LogMel(config)
    file = folder / DIFFUSERS_WEIGHTS
    return build(lambda: LogMel(config), read_tensors(file, _MEL_PREFIX), file)
