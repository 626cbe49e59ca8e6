"""A PEFT adapter written so that other tools apply it at the scale it was trained at.

Upstream's pipeline loads ``pytorch_lora_weights.safetensors`` by its path, and diffusers then reads no header: alpha
becomes the rank and rank stabilisation is off, so whatever scale was trained turns into 1 (``pipeline_ace_step.py``,
``load_lora``). With the square root of the scale inside both factors, 1 is right there and everywhere else. diffusers
restores the scale from the header when it loads by folder and file name. ComfyUI reads ``<module>.alpha`` and divides
it by the rank (``comfy/lora.py``).

Every function takes a PEFT folder (or what else :func:`read_lora` reads) and a folder to write into.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from tunesmith.adapters.tensors import write_tensors
from tunesmith.families.ace_step.adapter_files import LoraFile, UnsuitableAdapterError, read_lora
from tunesmith.families.ace_step.adapter_source import LORA_WEIGHTS, METADATA_KEY


def write_baked(source: Path, target: Path) -> None:
    """``pytorch_lora_weights.safetensors`` with the scale inside the factors, right wherever it is loaded.

    Raises:
        TunesmithError: as :func:`read_lora`; DoRA has no such form.
    """
    lora = read_lora(source)
    tensors: dict[str, torch.Tensor] = {}
    for name, module in lora.modules.items():
        root = math.sqrt(abs(module.scale))
        tensors |= _pair(name, module.a * root, module.b * math.copysign(root, module.scale))
    _save(tensors, target / LORA_WEIGHTS, _lora_config(lora, dict.fromkeys(lora.modules, 1.0)))


def write_with_metadata(source: Path, target: Path) -> None:
    """``pytorch_lora_weights.safetensors`` with the factors as trained, and the scale in the header for diffusers.

    Raises:
        TunesmithError: as :func:`read_lora`.
    """
    lora = read_lora(source)
    tensors: dict[str, torch.Tensor] = {}
    for name, module in lora.modules.items():
        tensors |= _pair(name, module.a, module.b)
    _save(tensors, target / LORA_WEIGHTS, _lora_config(lora, {name: m.scale for name, m in lora.modules.items()}))


def write_comfyui(source: Path, target: Path) -> None:
    """``<name>.safetensors`` with an alpha beside every pair: ``scale * rank``, whatever the trained one was.

    Raises:
        TunesmithError: as :func:`read_lora`.
    """
    lora = read_lora(source)
    tensors: dict[str, torch.Tensor] = {}
    for name, module in lora.modules.items():
        tensors |= _pair(name, module.a, module.b)
        tensors[f"{name}.alpha"] = torch.tensor(module.scale * module.rank)
    _save(tensors, target / f"{lora.name}.safetensors")


FORMATS: dict[str, Callable[[Path, Path], None]] = {
    "ace-step": write_baked,
    "diffusers": write_with_metadata,
    "comfyui": write_comfyui,
}


def bake_beside(folder: Path) -> None:
    """Add the baked file to a PEFT folder; nothing for an adapter that has no such form (DoRA, embeddings).

    It is called while a run trains, which must not end for a file that ``tunesmith export`` can be asked for.
    """
    try:
        write_baked(folder, folder)
    except UnsuitableAdapterError:
        return


def _pair(name: str, a: torch.Tensor, b: torch.Tensor) -> dict[str, torch.Tensor]:
    return {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}


def _lora_config(lora: LoraFile, scales: Mapping[str, float]) -> dict[str, Any]:
    """PEFT's LoraConfig of a file, without rank stabilisation, so that ``alpha / rank`` is each module's scale."""
    ranks = {name: module.rank for name, module in lora.modules.items()}
    alphas = {name: _rounded(scales[name] * rank) for name, rank in ranks.items()}
    rank, alpha = (Counter(values.values()).most_common(1)[0][0] for values in (ranks, alphas))
    return {
        "r": rank,
        "lora_alpha": alpha,
        "use_rslora": False,
        "target_modules": sorted(ranks),
        "rank_pattern": {name: value for name, value in ranks.items() if value != rank},
        "alpha_pattern": {name: value for name, value in alphas.items() if value != alpha},
    }


def _rounded(alpha: float) -> float:
    """Rounding apart, an alpha of 32 is written as 32."""
    return round(alpha) if math.isclose(alpha, round(alpha), rel_tol=1e-12) else alpha


def _save(tensors: Mapping[str, torch.Tensor], file: Path, config: Mapping[str, Any] | None = None) -> None:
    write_tensors(file, tensors, None if config is None else {METADATA_KEY: json.dumps(config)})
