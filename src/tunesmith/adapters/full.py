"""Training a part of a network itself, where an adapter is not wanted; it can be turned off like one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from tunesmith.adapters.tensors import read_tensors, write_tensors
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.texts import msg

WEIGHTS, CONFIG = "tuned.safetensors", "tuning.json"
_ATTRIBUTE = "full_tuning"


class FullTuning:
    """The tuned parameters of one network, and what they were.

    Args:
        network: A frozen network.
        targets: Beginnings of the names of what is trained.
        name: The network's name, for messages.

    Raises:
        TunesmithError: when a target names nothing.
    """

    def __init__(self, network: nn.Module, targets: Sequence[str], name: str) -> None:
        self.targets = tuple(targets)
        self.parameters = {
            key: p
            for key, p in network.named_parameters()
            if any(key == t or key.startswith(f"{t}.") for t in self.targets)
        }
        lost = [t for t in self.targets if not any(key == t or key.startswith(f"{t}.") for key in self.parameters)]
        if lost or not self.parameters:
            what = msg("nothing of `{network}` can be trained in full", network=name)
            if lost:
                what = msg(
                    "nothing of `{network}` can be trained in full: {targets} names no parameter",
                    network=name,
                    targets=lost,
                )
            raise TunesmithError(
                what,
                where="adapter.kind",
                remedy=msg("Use `lora`, or targets that begin parameter names."),
            )
        self.base = {key: p.detach().to("cpu", copy=True) for key, p in self.parameters.items()}
        self._tuned: dict[str, torch.Tensor] | None = None
        for p in self.parameters.values():
            p.requires_grad_(True)

    @torch.no_grad()
    def set_scale(self, scale: float) -> None:
        """0 is the base, 1 as trained, and what is between lies on the straight line."""
        if self._tuned is not None:
            self._write(self._tuned)
            self._tuned = None
        if scale != 1.0:
            self._tuned = {key: p.detach().clone() for key, p in self.parameters.items()}
            for key, p in self.parameters.items():
                p.lerp_(self.base[key].to(p), 1.0 - scale)

    def state(self) -> dict[str, torch.Tensor]:
        """What was trained, fp32 on the CPU; empty as long as nothing has changed."""
        now = self._tuned or self.parameters
        state = {key: p.detach().to("cpu", torch.float32).contiguous() for key, p in now.items()}
        return {} if all(torch.equal(state[key], self.base[key].float()) for key in state) else state

    def load(self, state: Mapping[str, torch.Tensor], where: Path) -> None:
        """Take over what :meth:`state` gave; nothing means the base.

        Raises:
            TunesmithError: when names or shapes differ.
        """
        wrong = (
            []
            if not state
            else sorted(state.keys() ^ self.parameters.keys())
            or sorted(key for key, p in self.parameters.items() if state[key].shape != p.shape)
        )
        if wrong:
            raise TunesmithError(
                msg(
                    "these weights do not fit: {count} tensors differ in name or shape (first: {tensor})",
                    count=len(wrong),
                    tensor=wrong[0],
                ),
                where=str(where),
                remedy=msg("They belong to another base model, or to another part of it."),
            )
        self._tuned = None
        self._write(state or self.base)

    @torch.no_grad()
    def _write(self, values: Mapping[str, torch.Tensor]) -> None:
        for key, p in self.parameters.items():
            p.copy_(values[key])


def tune_in_full(network: nn.Module, targets: Sequence[str], name: str) -> nn.Module:
    """Make the named part of a network trainable; the network stays what it is."""
    setattr(network, _ATTRIBUTE, FullTuning(network, targets, name))
    return network


def tuning_of(network: nn.Module) -> FullTuning | None:
    """What is trained in full of a network, if anything."""
    return getattr(network, _ATTRIBUTE, None)


def save_tuning(tuning: FullTuning, folder: Path, base: str) -> None:
    """Write the trained part (fp32 safetensors) and what it is."""
    if state := tuning.state():
        write_tensors(folder / WEIGHTS, state)
    write_json(folder / CONFIG, {"tuning": "full", "base_model_name_or_path": base, "targets": list(tuning.targets)})


def load_tuning(tuning: FullTuning, folder: Path) -> None:
    """Load what :func:`save_tuning` wrote.

    Raises:
        TunesmithError: when it does not fit, is absent or cannot be read.
    """
    if not (folder / CONFIG).exists():
        raise TunesmithError(
            msg("this folder holds no trained weights"),
            where=str(folder),
            remedy=msg("It needs {config}.", config=CONFIG),
        )
    tuning.load(read_tensors(folder / WEIGHTS) if (folder / WEIGHTS).exists() else {}, folder)


def targets_of(folder: Path) -> tuple[str, ...] | None:
    """What the weights in a folder are a part of; ``None`` where there are none."""
    if not (folder / CONFIG).exists():
        return None
    config = read_json(folder / CONFIG)
    targets = config.get("targets") if isinstance(config, dict) else None
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        raise TunesmithError(
            msg("this file does not say what was trained"),
            where=str(folder / CONFIG),
            remedy=msg("Take another checkpoint."),
        )
    return tuple(targets)
