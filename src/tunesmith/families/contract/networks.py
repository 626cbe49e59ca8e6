"""Role networks: the trained networks, how they are loaded, and when each of them trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from tunesmith.errors import TunesmithError
from tunesmith.families.contract.card import PhaseSpec
from tunesmith.texts import msg

if TYPE_CHECKING:
    from torch import nn


class Networks(ABC):
    """The networks that a family trains."""

    names: ClassVar[tuple[str, ...]]
    full_precision: ClassVar[tuple[str, ...]] = ()
    """Networks that are kept in fp32 wherever they run: small ones whose weights are trained themselves."""
    adapted: dict[str, dict[str, nn.Module]] | None = None
    """Networks with a finished adapter, by what they were made of, where a command keeps them; else ``None``."""

    @abstractmethod
    def load(self, names: Sequence[str] | None = None, *, meta: bool = False) -> dict[str, nn.Module]:
        """The trained networks by name, or those of ``names``, frozen, on the CPU.

        ``meta`` gives names and shapes on the meta device, without weights. Weights are in fp32, or for large networks
        in the precision of their files; the caller casts them to the precision it computes in.
        """

    def in_training(self) -> tuple[str, ...]:
        """Names of the networks that training has to hold: those that train and, where previews need them, others."""
        return self.names

    def phases(self) -> tuple[PhaseSpec, ...]:
        """Training phases in order; one phase with every network unless the family says otherwise."""
        return (PhaseSpec("train", self.names),)

    def repeated_blocks(self, name: str, network: nn.Module) -> Sequence[nn.Module]:
        """The blocks that a network has many of, all alike, with an adapter on it or without; none where it has none.

        A block's first argument is its stream (B, T, D), and so is what it returns, or the first part of that.
        """
        return ()

    def enable_checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute activations in the backward pass, where the networks support it.

        Raises:
            TunesmithError: where they do not.
        """
        raise TunesmithError(
            msg("this family has no gradient checkpointing"),
            where="train.gradient_checkpointing",
            remedy=msg("Set it to false."),
        )

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile the repeated block of each network (GPU), where that is known to work.

        Raises:
            TunesmithError: where it is not.
        """
        raise TunesmithError(
            msg("this family has nothing to compile"), where="train.compile", remedy=msg("Set it to `off`.")
        )
