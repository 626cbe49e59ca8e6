"""Loads the transformer of a checkpoint, without the fifth of its weights that nothing reads.

Layer by layer the file holds four linear layers of the cross-attention that no forward pass uses (629 M parameters of
the released model), and heads for the self-supervised losses alone (88 M). Neither is read unless it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tunesmith.adapters.tensors import opened_tensors
from tunesmith.families.ace_step.config import TRANSFORMER, TransformerConfig
from tunesmith.families.ace_step.parts.feed_forward import PACKABLE
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer
from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.component import DIFFUSERS_WEIGHTS, check_names
from tunesmith.families.quantise import Packed, make_packable

_DEAD_LAYERS = ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
_PROJECTORS = "projectors."


@dataclass(frozen=True)
class LoadReport:
    """What loading reads of a checkpoint's transformer.

    Attributes:
        loaded: Names of the tensors that are read.
        dead: Names of those skipped because no forward pass uses them.
        projectors: Names of those skipped because only the self-supervised losses use them.
        saved_bytes: Memory that the skipped ones would take, in fp32 like the rest.
    """

    loaded: tuple[str, ...]
    dead: tuple[str, ...]
    projectors: tuple[str, ...]
    saved_bytes: int


def transformer_file(folder: Path) -> Path:
    """The transformer's weights in a checkpoint folder."""
    return folder / TRANSFORMER / DIFFUSERS_WEIGHTS


def load_transformer(
    folder: Path,
    config: TransformerConfig,
    *,
    meta: bool = False,
    projectors: bool = False,
    lyric_dropout: float = 0.0,
    base_weights: BaseWeights = "full",
) -> AceStepTransformer:
    """The transformer with its weights: fp32, on the CPU, frozen, in eval mode; on the meta device if ``meta``.

    Args:
        folder: The checkpoint, with ``ace_step_transformer/`` in it; not read if ``meta``.
        config: Its sizes.
        meta: Build the shapes alone.
        projectors: Also load the heads of the self-supervised losses.
        lyric_dropout: See :class:`AceStepTransformer`.
        base_weights: How to keep the matrices of the blocks; shapes alone are always full ones.

    Raises:
        TunesmithError: when the file is absent or unreadable, or naming tensors that are missing, unknown or of
            another shape; when the library that packs the weights is not installed.
    """
    with torch.device("meta"):
        transformer = AceStepTransformer(config, projectors=projectors, lyric_dropout=lyric_dropout)
    if not meta:
        if base_weights != "full":
            make_packable(transformer.transformer_blocks, base_weights, PACKABLE)
        report = load_report(folder, config, projectors=projectors)
        with opened_tensors(transformer_file(folder)) as tensors:
            # One at a time, so that the file's precision and fp32 are never in memory as a whole together.
            for name in report.loaded:
                _assign(transformer, name, tensors.get_tensor(name).float())
    transformer.requires_grad_(False)
    return transformer.eval()


def load_report(folder: Path, config: TransformerConfig, *, projectors: bool = False) -> LoadReport:
    """What :func:`load_transformer` will read and skip, from the file's header alone.

    Raises:
        TunesmithError: as :func:`load_transformer`.
    """
    file = transformer_file(folder)
    with opened_tensors(file) as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118 - not a mapping
    found = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    declared = {name: torch.Size(shape) for name, shape in manifest(config).items()}
    # A file without what nothing reads is as good.
    optional = {name for name in declared if is_dead(name) or (name.startswith(_PROJECTORS) and not projectors)}
    check_names(declared, found, file, tied=optional)
    skipped = [name for name in found if name in optional]
    return LoadReport(
        loaded=tuple(name for name in found if name not in optional),
        dead=tuple(name for name in skipped if is_dead(name)),
        projectors=tuple(name for name in skipped if not is_dead(name)),
        saved_bytes=sum(found[name].numel() * torch.float32.itemsize for name in skipped),
    )


def manifest(config: TransformerConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor that a published file of these sizes holds, with its shape: built, dead and projectors."""
    with torch.device("meta"):
        built = AceStepTransformer(config, projectors=True).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in built.items()}
    for index in range(config.num_layers):
        for layer in _DEAD_LAYERS:
            stem = f"transformer_blocks.{index}.cross_attn.{layer}"
            shapes[f"{stem}.weight"] = (config.inner_dim, config.inner_dim)
            shapes[f"{stem}.bias"] = (config.inner_dim,)
    return shapes


def is_dead(name: str) -> bool:
    """Whether a tensor of the file belongs to a layer that no forward pass uses."""
    return any(f".cross_attn.{layer}." in name for layer in _DEAD_LAYERS)


def _assign(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if isinstance(owner, Packed) and leaf == "weight":
        owner.pack(tensor)
    else:
        owner.register_parameter(leaf, nn.Parameter(tensor, requires_grad=False))
