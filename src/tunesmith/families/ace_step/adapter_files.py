"""LoRA files of every tool that handles ACE-Step v1, read into one form.

Four kinds: a PEFT folder (its config tells the scale), ``pytorch_lora_weights.safetensors`` as diffusers and upstream
write it (the scale in the header, or nowhere), the same with the scale baked in, and ComfyUI's file with an ``.alpha``
beside every pair. Tensors are named by module path, some with a prefix (``transformer.``) or an adapter's name.

Shapes: R rank, I inputs, O outputs of the adapted module, K the kernel of a convolution.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from tunesmith.adapters.files import WEIGHTS
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.adapter_source import LORA_WEIGHTS, LoraConfig, read_source
from tunesmith.families.ace_step.parts.weights import is_dead
from tunesmith.texts import Message, joined, msg

_PREFIX = re.compile(r"^(?:(?:base_model\.model|transformer|diffusion_model)\.)+")
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<half>A|B|down|up)(?:\.[^.]+)?\.weight")
_ALPHA, _DORA = ".alpha", ("lora_magnitude_vector", "dora_scale")
_BASE_CHANGING = ("pissa", "olora", "corda", "loftq", "lora_ga")
_RUN_PARTS = ("best_model", "final_model")
_NAMED = 3
"""How many of many names a message gives."""


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
        notes: What the user should know of the file, such as an alpha that it lacks.
    """

    name: str
    path: Path
    modules: dict[str, LoraModule]
    notes: tuple[Message, ...] = ()


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
            msg("this adapter was started by {method}, which changes the base model's weights too", method=initial),
            where=str(where),
            remedy=msg("Convert it to a plain LoRA in PEFT (path_initial_model_for_weight_conversion)."),
        )


def _sort(
    tensors: Mapping[str, torch.Tensor], where: Path
) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, float]]:
    """Factors (``A``, ``B``) and alphas by module path."""
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    alphas: dict[str, float] = {}
    foreign = []
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
            foreign.append(key)
    foreign += [name + _ALPHA for name in alphas if name not in pairs]
    if foreign or not pairs:
        raise UnsuitableAdapterError(
            msg("this is no plain LoRA: it holds {tensors}", tensors=first_names(foreign))
            if foreign
            else msg("this is no plain LoRA: it holds no pair of factors"),
            where=str(where),
            remedy=msg("Only lora_A and lora_B of weights can be read, with an alpha each."),
        )
    return pairs, alphas


def _module(
    name: str, pair: Mapping[str, torch.Tensor], alpha: float | None, config: LoraConfig | None, where: Path
) -> LoraModule:
    a, b = pair.get("A"), pair.get("B")
    if a is None or b is None or min(a.ndim, b.ndim) < 2 or b.shape[1] != a.shape[0] or not len(a):
        shapes = [f"lora_{half} {tuple(tensor.shape)}" for half, tensor in sorted(pair.items())]
        raise TunesmithError(
            msg("the factors of {module} do not belong together ({shapes})", module=name, shapes=shapes),
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
            msg("the alpha of {module} is not a number", module=name),
            where=str(where),
            remedy=msg("Save the LoRA again."),
        )
    return LoraModule(a, b, scale)


def _notes(modules: Mapping[str, LoraModule], alphas: Mapping[str, float], config: LoraConfig | None) -> list[Message]:
    notes = []
    without_alpha = [name for name in modules if name not in alphas] if config is None else []
    if len(without_alpha) == len(modules):
        notes.append(
            msg(
                "no alpha in the file: taken at scale 1, as upstream takes every file; "
                "if it was trained at another scale, give a strength"
            )
        )
    elif without_alpha:
        notes.append(
            msg(
                "no alpha in the file for {modules}: taken at scale 1, as upstream takes every file; "
                "if it was trained at another scale, give a strength",
                modules=first_names(without_alpha),
            )
        )
    idle = [name for name in modules if used_in_training_alone(name)]
    if idle:
        notes.append(
            msg("no generation reads {modules}: their part of the adapter is without effect", modules=first_names(idle))
        )
    return notes


def _name(source: Path) -> str:
    """The file's name, or its folder's (or run's) where all files of its kind have the same name."""
    path = source.resolve()
    if path.is_file() and path.name not in (LORA_WEIGHTS, WEIGHTS):
        return path.stem
    folder = path.parent if path.is_file() else path
    return folder.parent.name if folder.name in _RUN_PARTS else folder.name


def first_names(names: Sequence[str]) -> Message:
    """The names, or the first three of many and how many more there are."""
    if len(names) <= _NAMED:
        return joined(names)
    return msg("{names} and {count} more", names=tuple(names[:_NAMED]), count=len(names) - _NAMED)
