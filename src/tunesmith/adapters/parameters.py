"""The parameters that training changes, by network and name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class ParameterKey(NamedTuple):
    """A parameter of one of several networks; in files it is written ``network.name``."""

    network: str
    name: str

    def __str__(self) -> str:
        return f"{self.network}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> ParameterKey:
        """The inverse of ``str``; networks have no dot in their names."""
        network, _, name = text.partition(".")
        return cls(network, name)


def trainable(networks: Mapping[str, nn.Module]) -> dict[ParameterKey, nn.Parameter]:
    """Every trainable parameter of every network, in order."""
    return {
        ParameterKey(network, name): p
        for network, module in networks.items()
        for name, p in module.named_parameters()
        if p.requires_grad
    }
