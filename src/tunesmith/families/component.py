"""Loads one frozen part of a checkpoint: built on the meta device, filled from its file, checked name by name.

Nothing is initialised only to be overwritten, and only the tensors that the part needs are read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from tunesmith.adapters.tensors import opened_tensors, read_pickled
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, in_turn, msg

DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
WEIGHT_NORM_NAMES = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)

Part = TypeVar("Part", bound=nn.Module)


def read_tensors(file: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    """Tensors of a file whose names begin with ``prefix``, named without it; fp32, on the CPU.

    Args:
        file: ``.safetensors``, or what else ``torch.load`` reads with ``weights_only``.
        prefix: What the names of the wanted part begin with.

    Raises:
        TunesmithError: when the file is absent or unreadable.
    """
    if file.suffix == ".safetensors":
        with opened_tensors(file) as tensors:
            names = [name for name in tensors.keys() if name.startswith(prefix)]  # noqa: SIM118 - not a mapping
            return {name[len(prefix) :]: _fp32(tensors.get_tensor(name)) for name in names}
    named = {name: tensor for name, tensor in read_pickled(file).items() if name.startswith(prefix)}
    return {name[len(prefix) :]: _fp32(tensor) for name, tensor in named.items()}


def stored_dtypes(file: Path) -> dict[str, torch.dtype]:
    """The precision that every tensor of a ``.pt`` file has there, by name.

    Raises:
        TunesmithError: when the file holds no weights.
    """
    return {name: tensor.dtype for name, tensor in read_pickled(file).items()}


def build(
    make: Callable[[], Part],
    tensors: Mapping[str, torch.Tensor],
    where: Path,
    *,
    unused: Collection[str] = (),
    tied: Collection[str] = (),
) -> Part:
    """A part with its weights: frozen, in eval mode, fp32, on the CPU.

    Args:
        make: Builds the module; called on the meta device.
        tensors: Its weights by state-dict name.
        where: Their file, for messages.
        unused: Names in the file that this part is known not to use.
        tied: Names in the module that share another's tensor and so are not in the file; the caller ties them.

    Raises:
        TunesmithError: naming the tensors that are missing, of another shape, or unknown.
    """
    with torch.device("meta"):
        module = make()
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    state = {name: tensor for name, tensor in tensors.items() if name not in unused}
    check_names(shapes, state, where, tied=tied)
    module.load_state_dict(state, strict=False, assign=True)
    module.requires_grad_(False)
    return module.eval()


def check_names(
    shapes: Mapping[str, torch.Size], state: Mapping[str, torch.Tensor], where: Path, *, tied: Collection[str] = ()
) -> None:
    """Raise unless the tensors of ``state`` are those that ``shapes`` names, except those in ``tied``."""
    misfit = misfit_message(
        missing=[name for name in shapes if name not in state and name not in tied],
        misshapen=[name for name in state if name in shapes and state[name].shape != shapes[name]],
        unknown=[name for name in state if name not in shapes],
    )
    if misfit:
        raise TunesmithError(
            misfit,
            where=str(where),
            remedy=msg("Download the checkpoint again, or check that config.json belongs to these weights."),
        )


def misfit_message(missing: Sequence[str], misshapen: Sequence[str], unknown: Sequence[str]) -> Message | None:
    """How weights differ from what a config asks for; ``None`` where they do not.

    Args:
        missing: Tensors that the config asks for and the weights lack.
        misshapen: Tensors of another shape than the config's.
        unknown: Tensors of the weights that the config has no place for.
    """
    problems: list[Message] = []
    if missing:
        problems.append(msg("{count} missing ({names})", count=len(missing), names=_first_names(missing)))
    if misshapen:
        problems.append(msg("{count} of another shape ({names})", count=len(misshapen), names=_first_names(misshapen)))
    if unknown:
        problems.append(msg("{count} unknown ({names})", count=len(unknown), names=_first_names(unknown)))
    return msg("these weights do not fit the config: {problems}", problems=in_turn(problems)) if problems else None


def _first_names(names: Sequence[str]) -> tuple[str, ...]:
    return (*sorted(names)[:3], "…") if len(names) > 3 else tuple(sorted(names))


def fold_weight_norm(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Replace every pair of weight-norm tensors by the one weight they stand for.

    It is ``g * v / |v|`` with the norm over all dimensions but the first. Both spellings are read, that of the older
    torch (``weight_g``, ``weight_v``) and that of the newer (``parametrizations.weight.original0`` and ``1``). A lone
    half stays as it is, to be reported as unknown.
    """
    folded = dict(tensors)
    for scale, direction in WEIGHT_NORM_NAMES:
        for name in [name for name in tensors if name.endswith(f".{scale}")]:
            stem = name.removesuffix(scale)
            if stem + direction in folded:
                folded[f"{stem}weight"] = torch._weight_norm(folded.pop(stem + direction), folded.pop(name), 0)
    return folded


def _fp32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
