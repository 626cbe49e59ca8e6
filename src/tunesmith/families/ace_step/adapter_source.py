"""Reads a LoRA as it is stored: tensors by their names in the file, and the settings if there are any."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ValidationError

from tunesmith.adapters.files import CONFIG, WEIGHTS, read_adapter
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import msg

LORA_WEIGHTS = "pytorch_lora_weights.safetensors"
"""The file that upstream's pipeline and diffusers look for in a folder."""
METADATA_KEY = "lora_adapter_metadata"
"""Where diffusers keeps a file's LoraConfig in the safetensors header (``diffusers/loaders/lora_base.py``)."""


class LoraConfig(BaseModel):
    """The part of PEFT's LoraConfig that decides the scale, with PEFT's defaults."""

    lora_alpha: float = 8.0
    use_rslora: bool = False
    use_dora: bool = False
    alpha_pattern: dict[str, float] | None = None
    init_lora_weights: bool | str | None = True

    def scale(self, module: str, rank: int) -> float:
        """Factor on ``b a`` of one module; PEFT reads the keys of its patterns as regular expressions."""
        patterns = self.alpha_pattern or {}
        alpha = next((a for key, a in patterns.items() if re.match(rf"(.*\.)?({key})$", module)), self.lora_alpha)
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)


def read_source(path: Path) -> tuple[Path, dict[str, torch.Tensor], LoraConfig | None]:
    """The folder or file of the LoRA that ``path`` names, its tensors as they are, and its settings if it has any.

    Raises:
        TunesmithError: when nothing is there, or it cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    # The weights of a PEFT folder mean little without the config beside them.
    if (path.is_dir() or path.name == WEIGHTS) and (folder / CONFIG).is_file():
        return folder, read_adapter(folder), _config(read_json(folder / CONFIG), folder / CONFIG)
    file = _weights_file(path)
    return file, *_read_file(file)


def _weights_file(path: Path) -> Path:
    """The file itself, or the LoRA file of a folder that holds one."""
    if path.is_file():
        return path
    if path.is_dir():
        found = [path / LORA_WEIGHTS] if (path / LORA_WEIGHTS).is_file() else sorted(path.glob("*.safetensors"))
        if len(found) == 1:
            return found[0]
    raise TunesmithError(
        msg("there is no adapter here") if path.exists() else msg("no such file or folder"),
        where=str(path),
        remedy=msg(
            "Name a PEFT folder ({weights} with {config}), a {lora_weights} or a ComfyUI file; a run's "
            "adapter is in its best_model.",
            weights=WEIGHTS,
            config=CONFIG,
            lora_weights=LORA_WEIGHTS,
        ),
    )


def _read_file(file: Path) -> tuple[dict[str, torch.Tensor], LoraConfig | None]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
            header = (opened.metadata() or {}).get(METADATA_KEY)
        raw = None if header is None else json.loads(header)
    except (SafetensorError, OSError, ValueError) as error:
        raise TunesmithError(
            msg("this adapter cannot be read ({error})", error=error),
            where=str(file),
            remedy=msg("Give a .safetensors file of a LoRA."),
        ) from error
    return tensors, None if raw is None else _config(raw, file)


def _config(raw: Any, where: Path) -> LoraConfig:
    try:
        # A diffusers pipeline names its parts in front of every key.
        known = {key.removeprefix("transformer."): value for key, value in raw.items() if value is not None}
        return LoraConfig.model_validate(known)
    except (ValidationError, AttributeError) as error:
        raise TunesmithError(
            msg("this LoRA's settings cannot be read"),
            where=str(where),
            remedy=msg("It needs what PEFT's LoraConfig holds."),
        ) from error
