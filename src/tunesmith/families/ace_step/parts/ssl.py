"""Self-supervised features of a song, the targets of upstream's projection losses: MERT and mHuBERT.

Source: ``trainer.py`` of ACE-Step. Both run as transformers' ``HubertModel``, without the code that MERT's repository
ships. What that code adds are a constant-Q front end and DeepNorm, and a checkpoint whose config asks for them is
refused; and a rescaling inside the softmax (``attention_relax``), which cancels out.

Shapes: C audio channels, N samples, S chunks, W samples of a chunk, F frames, D features.
"""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from tunesmith.audio.sinc import sinc_resample
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import SAMPLE_RATE
from tunesmith.families.component import WEIGHT_NORM_NAMES, build, read_tensors
from tunesmith.families.config_file import read_config_file
from tunesmith.families.hub import download, local_folder, weights_file
from tunesmith.texts import all_of, msg

_SAFETENSORS, _PICKLE = "model.safetensors", "pytorch_model.bin"
_FOREIGN = ("feature_extractor_cqt", "deepnorm")
"""Settings of MERT's config that change the network beyond ``HubertModel``."""
_MASK = "masked_spec_embed"
_VARIANCE_FLOOR = 1e-7


@dataclass(frozen=True)
class SslInput:
    """Input of one extractor: its sampling rate in Hz, and the length of the chunks that a song is cut into."""

    rate: int
    chunk_seconds: int


MERT, MHUBERT = SslInput(24_000, 5), SslInput(16_000, 30)


class SslModels:
    """The two frozen extractors, each loaded (and downloaded) when first needed.

    Args:
        names: Hub ids or folders of MERT and mHuBERT.
        device: Where they run; features are returned on the CPU.
    """

    def __init__(self, names: tuple[str, str], device: str) -> None:
        self.names, self.device = names, device

    @cached_property
    def mert(self) -> Any:
        """The music extractor (24 kHz)."""
        return load_hubert(locate_ssl(self.names[0])).to(self.device)

    @cached_property
    def mhubert(self) -> Any:
        """The voice extractor (16 kHz)."""
        return load_hubert(locate_ssl(self.names[1])).to(self.device)

    def features(self, audio_CN: np.ndarray | torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """MERT (F, D) at 75 Hz and mHuBERT (F', D') at 50 Hz, float32, of one clip at 48 kHz."""
        audio = torch.as_tensor(audio_CN, dtype=torch.float32)
        mert, mhubert = ssl_features(self.mert, audio, MERT), ssl_features(self.mhubert, audio, MHUBERT)
        return mert.cpu().numpy(), mhubert.cpu().numpy()

    def close(self) -> None:
        """Free the weights."""
        for name in ("mert", "mhubert"):
            self.__dict__.pop(name, None)
        gc.collect()


@torch.no_grad()
def ssl_features(model: Any, audio_CN: torch.Tensor, ssl_input: SslInput) -> torch.Tensor:
    """Last hidden states (F, D) of a clip at 48 kHz, on the model's device.

    Every chunk gives the frames that its real samples fill, at most as many as the model has for a whole chunk: 374 of
    5 s, 1499 of 30 s, one less than samples / 320.
    """
    device = next(model.parameters()).device
    chunks_SW, lengths = ssl_chunks(audio_CN.to(device), ssl_input)
    stride = math.prod(model.config.conv_stride)
    # One by one: two chunks of a song never look at each other, and memory stays that of one.
    states = [model(chunk[None]).last_hidden_state[0] for chunk in chunks_SW]
    return torch.cat([state[: math.ceil(length / stride)] for state, length in zip(states, lengths, strict=True)])


def ssl_chunks(audio_CN: torch.Tensor, ssl_input: SslInput) -> tuple[torch.Tensor, list[int]]:
    """The mono mix of a clip at 48 kHz, normalised, in zero-filled chunks (S, W); and the real samples of each.

    Mean and variance (unbiased) are those of the whole clip, so loudness does not change the features.
    """
    mono = sinc_resample(audio_CN.mean(dim=0), SAMPLE_RATE, ssl_input.rate)
    mono = mono[: audio_CN.shape[-1] * ssl_input.rate // SAMPLE_RATE]
    mono = (mono - mono.mean()) / torch.sqrt(mono.var() + _VARIANCE_FLOOR)
    size = ssl_input.rate * ssl_input.chunk_seconds
    parts = mono.split(size)
    chunks = torch.stack([F.pad(part, (0, size - len(part))) for part in parts])
    return chunks, [len(part) for part in parts]


def load_hubert(folder: Path) -> Any:
    """The ``HubertModel`` of a folder, frozen, fp32, on the CPU; no code of the folder is run.

    Raises:
        TunesmithError: when its weights are missing, or its config or weights are more than a ``HubertModel``.
    """
    from transformers import HubertConfig, HubertModel

    raw = read_config_file(folder / "config.json")
    foreign = [name for name in _FOREIGN if raw.get(name)]
    if foreign:
        raise TunesmithError(
            msg("this model has {settings}, which a plain HuBERT has not", settings=all_of(foreign)),
            where=str(folder),
            remedy=msg(
                "Use m-a-p/MERT-v1-330M and utter-project/mHuBERT-147 in options.ssl_models, or set options.ssl to off."
            ),
        )
    known = set(HubertConfig().to_dict()) - {"model_type", "architectures", "transformers_version", "dtype"}
    settings = {key: value for key, value in raw.items() if key in known}
    # Without masking there is no mask vector: one weight less, never used outside of pretraining.
    config = HubertConfig(**{**settings, "mask_time_prob": 0.0, "mask_feature_prob": 0.0})
    file = folder / _SAFETENSORS if (folder / _SAFETENSORS).exists() else folder / _PICKLE
    tensors = {_new_name(name): tensor for name, tensor in read_tensors(file).items()}
    return build(lambda: HubertModel(config), tensors, file, unused=(_MASK,))


def _new_name(name: str) -> str:
    (old_g, old_v), (new_g, new_v) = WEIGHT_NORM_NAMES
    for old, new in ((old_g, new_g), (old_v, new_v)):
        if name.endswith(f".{old}"):
            return name.removesuffix(old) + new
    return name


def locate_ssl(name: str) -> Path:
    """The folder of an extractor: ``name`` itself, or that hub repository's, downloaded if need be.

    Raises:
        TunesmithError: when it is neither here nor can be downloaded.
    """
    folder = local_folder(name, "m-a-p/MERT-v1-330M")
    if folder is not None:
        return folder

    def absent(folder: Path) -> list[str]:
        return [] if any((folder / weights).exists() for weights in (_SAFETENSORS, _PICKLE)) else [_SAFETENSORS]

    def patterns() -> list[str]:
        return ["config.json", weights_file(name, None, _SAFETENSORS, _PICKLE)]

    return download(name, absent=absent, allow=patterns, key="options.ssl_models")
