"""LoRA files of every tool that handles ACE-Step v1, read into one form.

Four kinds: a PEFT folder (its config tells the scale), ``pytorch_lora_weights.safetensors`` as diffusers and upstream
write it (the scale in the header, or nowhere), the same with the scale baked in, and ComfyUI's file with an ``.alpha``
beside every pair. Tensors are named by module path, some with a prefix (``transformer.``) or an adapter's name.

Shapes: R rank, I inputs, O outputs of the adapted module, K the kernel of a convolution.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from tunesmith.adapters.files import WEIGHTS
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.adapter_source import LORA_WEIGHTS, LoraConfig, read_source
from tunesmith.families.ace_step.parts.weights import is_dead
from tunesmith.texts import msg

_PREFIX = re.compile(r"^(?:(?:base_model\.model|transformer|diffusion_model)\.)+")
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<half>A|B|down|up)(?:\.[^.]+)?\.weight")
_ALPHA, _DORA = ".alpha", ("lora_magnitude_vector", "dora_scale")
_BASE_CHANGING = ("pissa", "olora", "corda", "loftq", "lora_ga")
_RUN_PARTS = ("best_model", "final_model")


class UnsuitableAdapterError(TunesmithError):
    """The adapter is sound, but is no plain LoRA: it cannot be stacked or written for other tools."""


class LoraModule(NamedTuple):
    """One adapted module.

    Attributes:
        a: (R, I) fp32; of a convolution (R, I, K).
        b: (O, R) fp32; of a convolution (O, R, 1).
        scale: Factor on ``b a``: ``alpha / R``, or ``alpha / sqrt(R)`` when rank-stabilised.
    """

    a: torch.Tensor
    b: torch.Tensor
    scale: float

    @property
    def rank(self) -> int:
        """R."""
        return self.a.shape[0]

    def delta(self) -> torch.Tensor:
        """What is added to the weight at strength 1, (O, I) or (O, I K)."""
        return self.scale * (self.b.flatten(1) @ self.a.flatten(1))


@dataclass(frozen=True)
class LoraFile:
    """A LoRA as read.

    Attributes:
        name: The run's or file's name.
        path: The folder or file it came from.
        modules: Factors and scale by module path in the transformer.
        notes: One sentence each on what the file leaves open.
    """

    name: str
    path: Path
    modules: dict[str, LoraModule]
    notes: tuple[str, ...] = ()


def read_lora(path: Path) -> LoraFile:
    """Read a LoRA: a PEFT folder, a LoRA file of upstream, diffusers or ComfyUI, or a folder holding one of these.

    Raises:
        UnsuitableAdapterError: when it is DoRA, adapts more than weight matrices, or expects a changed base.
        TunesmithError: when nothing is there, or it cannot be read or understood.
    """
    source, tensors, config = read_source(path.expanduser())
    _refuse_others(tensors, config, source)
    pairs, alphas = _sort(tensors, source)
    modules = {name: _module(name, pair, alphas.get(name), config, source) for name, pair in pairs.items()}
    return LoraFile(_name(source), source, modules, tuple(_notes(modules, alphas, config)))


def used_in_training_alone(module: str) -> bool:
    """Whether no generation reads a module: upstream's dead layers, and the heads of the self-supervised losses."""
    return is_dead(f"{module}.weight") or module.startswith("projectors.")


def _refuse_others(tensors: Mapping[str, torch.Tensor], config: LoraConfig | None, where: Path) -> None:
    if (config is not None and config.use_dora) or any(part in name for name in tensors for part in _DORA):
        raise UnsuitableAdapterError(
            msg("a DoRA adapter rescales whole weights, so it cannot be added to others or written as a plain LoRA"),
            where=str(where),
            remedy=msg("Merge it into its base model instead (tunesmith export RUN --merged)."),
        )
    initial = config.init_lora_weights if config is not None else None
    if isinstance(initial, str) and initial.startswith(_BASE_CHANGING):
        raise UnsuitableAdapterError(
            msg("this adapter was started by {initial}, which changes the base model's weights too", initial=initial),
            where=str(where),
            remedy=msg("Convert it to a plain LoRA in PEFT (path_initial_model_for_weight_conversion)."),
        )


def _sort(
    tensors: Mapping[str, torch.Tensor], where: Path
) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, float]]:
    """Factors (``A``, ``B``) and alphas by module path."""
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    alphas: dict[str, float] = {}
    others = []
    for key, tensor in tensors.items():
        name = _PREFIX.sub("", key)
        factor = _FACTOR.fullmatch(name)
        if factor is not None:
            half = {"down": "A", "up": "B"}.get(factor["half"], factor["half"])
            if half in pairs.setdefault(factor["module"], {}):
                raise TunesmithError(
                    msg("this file holds two adapters for {module}", module=factor["module"]),
                    where=str(where),
                    remedy=msg("Save each adapter to a file of its own."),
                )
            pairs[factor["module"]][half] = tensor.float()
        elif name.endswith(_ALPHA) and tensor.numel() == 1:
            alphas[name.removesuffix(_ALPHA)] = float(tensor)
        else:
            others.append(key)
    others += [name + _ALPHA for name in alphas if name not in pairs]
    if others or not pairs:
        raise UnsuitableAdapterError(
            msg("this is no plain LoRA: it holds {listed}", listed=listed(others) if others else "no pair of factors"),
            where=str(where),
            remedy=msg("Only lora_A and lora_B of weights can be read, with an alpha each."),
        )
    return pairs, alphas


def _module(
    name: str, pair: Mapping[str, torch.Tensor], alpha: float | None, config: LoraConfig | None, where: Path
) -> LoraModule:
    a, b = pair.get("A"), pair.get("B")
    if a is None or b is None or min(a.ndim, b.ndim) < 2 or b.shape[1] != a.shape[0] or not len(a):
        shapes = ", ".join(f"lora_{half} {tuple(tensor.shape)}" for half, tensor in sorted(pair.items()))
        raise TunesmithError(
            msg("the factors of {name} do not belong together ({shapes})", name=name, shapes=shapes),
            where=str(where),
            remedy=msg("Save the LoRA again."),
        )
    if alpha is not None:
        scale = alpha / a.shape[0]
    elif config is not None:
        scale = config.scale(name, a.shape[0])
    else:
        scale = 1.0
    if not math.isfinite(scale):
        raise TunesmithError(
            msg("the alpha of {name} is not a number", name=name), where=str(where), remedy=msg("Save the LoRA again.")
        )
    return LoraModule(a, b, scale)


def _notes(modules: Mapping[str, LoraModule], alphas: Mapping[str, float], config: LoraConfig | None) -> list[str]:
    notes = []
    without_alpha = [name for name in modules if name not in alphas] if config is None else []
    if without_alpha:
        which = "the file" if len(without_alpha) == len(modules) else f"the file for {listed(without_alpha)}"
        notes.append(
            f"no alpha in {which}: taken at scale 1, as upstream takes every file; "
            "if it was trained at another scale, give a strength"
        )
    idle = [name for name in modules if used_in_training_alone(name)]
    if idle:
        notes.append(f"no generation reads {listed(idle)}: their part of the adapter is without effect")
    return notes


def _name(source: Path) -> str:
    """A name that tells files apart whose own names are all the same."""
    place = source.resolve()
    if place.is_file() and place.name not in (LORA_WEIGHTS, WEIGHTS):
        return place.stem
    folder = place.parent if place.is_file() else place
    return folder.parent.name if folder.name in _RUN_PARTS else folder.name


def listed(names: list[str]) -> str:
    """The first three of many names."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
