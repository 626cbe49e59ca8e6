"""Several LoRAs at once: parsing ``--lora``, and adding any number of them to the transformer's weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.adapter_files import LoraFile, first_names, used_in_training_alone
from tunesmith.texts import Message, msg


def parse_lora(text: str) -> tuple[Path, float]:
    """Path and strength of ``PATH`` or ``PATH:STRENGTH``; strength 1, as trained, where none is given.

    A colon that is part of the path (a drive letter, a file of that name) stays in it.

    Raises:
        TunesmithError: when there is no path, or the strength is not finite.
    """
    path, colon, number = text.rpartition(":")
    strength = _number(number) if colon else None
    if strength is None or Path(text).expanduser().exists():
        path, strength = text, 1.0
    if not path.strip() or not math.isfinite(strength):
        raise TunesmithError(
            msg("`{text}` names no adapter and strength", text=text),
            where="--lora",
            remedy=msg("Write PATH or PATH:STRENGTH, as in a:0.8."),
        )
    return Path(path).expanduser(), strength


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@torch.no_grad()
def apply_loras(transformer: nn.Module, loras: Sequence[tuple[LoraFile, float]]) -> None:
    """Add ``strength * scale * B A`` of every LoRA to the transformer's weights, in fp32 and rounded once.

    Layers that no generation reads are passed over (the LoRA's notes name them).

    Args:
        transformer: The network itself, changed in place; PEFT layers in it stay, and these come on top.
        loras: Each with its strength.

    Raises:
        TunesmithError: naming modules that this transformer lacks or has in other shapes; it is unchanged then.
    """
    weights = [(_weights(transformer, lora), lora, strength) for lora, strength in loras]
    merged: dict[str, nn.Parameter] = {name: weight for found, _, _ in weights for name, weight in found.items()}
    for name, weight in merged.items():
        total = weight.float()
        for found, lora, strength in weights:
            if name in found:
                total = total + strength * lora.modules[name].delta().to(weight.device).reshape(weight.shape)
        weight.copy_(total)


def _weights(transformer: nn.Module, lora: LoraFile) -> dict[str, nn.Parameter]:
    """The weight that each of a LoRA's modules changes."""
    found: dict[str, nn.Parameter] = {}
    unknown, misshapen = [], []
    for name, module in lora.modules.items():
        weight = _weight(transformer, name)
        if weight is None:
            unknown += [] if used_in_training_alone(name) else [name]
        elif (weight.shape[0], weight[0].numel()) != (module.b.shape[0], module.a[0].numel()):
            misshapen.append(f"{name} ({module.b.shape[0]}×{module.a[0].numel()} on {tuple(weight.shape)})")
        else:
            found[name] = weight
    if unknown or misshapen:
        raise TunesmithError(
            _misfit(unknown, misshapen),
            where=str(lora.path),
            remedy=msg("It was made for another model; ACE-Step 1.5 is not v1."),
        )
    return found


def _misfit(unknown: Sequence[str], misshapen: Sequence[str]) -> Message:
    if not misshapen:
        return msg("this LoRA does not fit: the model has no {modules}", modules=first_names(unknown))
    if not unknown:
        return msg("this LoRA does not fit: the model has other shapes of {modules}", modules=first_names(misshapen))
    return msg(
        "this LoRA does not fit: the model has no {unknown} and has other shapes of {misshapen}",
        unknown=first_names(unknown),
        misshapen=first_names(misshapen),
    )


def _weight(transformer: nn.Module, name: str) -> nn.Parameter | None:
    try:
        weight = getattr(transformer.get_submodule(name), "weight", None)
    except AttributeError:
        return None
    return weight if isinstance(weight, nn.Parameter) and weight.ndim > 1 else None
