"""Blocks of a network that lie in parts on several processes, for what passes their layers one by one.

Calling such a block gathers its weights by itself; whoever calls a layer inside of it says so beforehand.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from torch import nn

GATHERED = "gathered"
"""Attribute of a divided block: a function that gives a context manager, inside of which its weights are whole."""


def is_divided(block: nn.Module) -> bool:
    """Whether a block lies in parts."""
    return hasattr(block, GATHERED)


def gathered(block: nn.Module) -> AbstractContextManager[None]:
    """The weights of a block are whole inside, wherever they lie."""
    context: AbstractContextManager[None] = getattr(block, GATHERED)() if is_divided(block) else nullcontext()
    return context
