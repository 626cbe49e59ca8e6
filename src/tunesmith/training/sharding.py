"""A frozen base divided among the processes of a run, for one that does not fit on a device (FSDP2).

Every repeated block lies in parts, one on each process, and is whole only while it is passed. What is trained is small
and lies whole on every process: its gradients are added in one reduction as ever. Each passage of a block takes all
processes, whether it is their own or not, so two things have to be seen to:

- In an update every process passes every kind of micro-batch as often as all others (:func:`in_step`).
- What the main process alone does, measuring and previews, the others help with
  (:meth:`tunesmith.training.state.TrainState.led`): it names each block before it passes it, and they send their parts
  without computing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Family
from tunesmith.families.divided import GATHERED
from tunesmith.texts import msg
from tunesmith.training.micro import Micro

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.distributed.fsdp import FSDPModule


_OVER = -1
"""What the main process names when it is done."""


class Shards:
    """The blocks of a divided base.

    Args:
        family: Whose base it is.
        networks: Its networks with their adapters, whole and not on the device yet; their blocks are divided now, and
            the parts moved to the device.
        accelerator: The processes and the device.
    """

    def __init__(self, family: Family, networks: Mapping[str, nn.Module], accelerator: Accelerator) -> None:
        from torch.distributed.device_mesh import init_device_mesh

        mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
        self._named = torch.zeros(1, dtype=torch.int64, device=accelerator.device)
        self._leading = False
        self._blocks: list[FSDPModule] = []
        for name, network in networks.items():
            for block in family.networks.repeated_blocks(name, network):
                self._blocks.append(_divided(block, mesh))
                # Its own hook comes before FSDP's, which gathers the block.
                place = len(self._blocks) - 1
                block.register_forward_pre_hook(self._before(place), prepend=True)
                setattr(block, GATHERED, partial(self._gathered, place))
        for divided in self._blocks:  # what is made at the first time must not be made inside of inference mode
            divided.unshard()
            divided.reshard()

    def _before(self, place: int) -> Callable[..., None]:
        def name_it(*_: object) -> None:
            if self._leading:
                self._name(place)

        return name_it

    @contextmanager
    def _gathered(self, place: int) -> Iterator[None]:
        """A block, whole inside, for what passes its layers without calling it."""
        if self._leading:
            self._name(place)
        self._blocks[place].unshard()
        yield
        self._blocks[place].reshard()

    def _name(self, place: int) -> None:
        self._named.fill_(place)
        distributed.broadcast(self._named, src=0)

    @contextmanager
    def leading(self) -> Iterator[None]:
        """The main process's block, in which it may pass any block of the base, any number of times.

        An error ends the process, and with it the launcher the others; they are not told.
        """
        self._leading = True
        yield
        self._leading = False
        self._name(_OVER)

    def follow(self) -> None:
        """The others' side of :meth:`leading`: gather what the main process names, until it is done."""
        while True:
            distributed.broadcast(self._named, src=0)
            place = int(self._named)
            if place == _OVER:
                return
            self._blocks[place].unshard()
            self._blocks[place].reshard()


def _divided(block: nn.Module, mesh: Any) -> FSDPModule:
    from torch.distributed.fsdp import fully_shard

    whole = {p for p in block.parameters() if p.requires_grad}
    return fully_shard(block, mesh=mesh, reshard_after_forward=True, ignored_params=whole)


def refuse_packed(family: Family) -> None:
    """Refuse a base whose matrices are packed into fewer bits, which FSDP2 does not divide.

    Raises:
        TunesmithError: saying so.
    """
    if getattr(family.settings, "base_weights", "full") != "full":
        raise TunesmithError(
            msg("a base with packed weights cannot be divided among processes"),
            where="train.shard_base",
            remedy=msg("Set options.base_weights=full, or train.shard_base=false."),
        )


def in_step(micros: Mapping[int, Micro], collated: Callable[[int], Micro]) -> list[Micro]:
    """Micro-batches in an order, and so many of each kind, that all processes pass the same networks together.

    Where another process has more of a kind, one is passed again whose loss does not count. One that teaches nothing
    is left out.

    Args:
        micros: This process's micro-batches by their place in the update.
        collated: Makes the micro-batch of a place that is another process's.
    """
    mine = {place: _kind(micro) for place, micro in micros.items()}
    gathered: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(gathered, mine)
    ordered: list[Micro] = []
    for kind in sorted({kind for kinds in gathered for kind in kinds.values()} - {()}):
        own = [micros[place] for place, its in mine.items() if its == kind]
        most = max(sum(its == kind for its in kinds.values()) for kinds in gathered)
        if len(own) < most:
            first = min(place for kinds in gathered for place, its in kinds.items() if its == kind)
            again = (own[0] if own else collated(first))._replace(counted=False)
            own += [again] * (most - len(own))
        ordered += own
    return ordered


def _kind(micro: Micro) -> Sequence[str]:
    """The terms of the loss that a micro-batch has, on which it depends which networks it passes."""
    return tuple(sorted(name for name, weight in micro.denominators.items() if weight > 0))
