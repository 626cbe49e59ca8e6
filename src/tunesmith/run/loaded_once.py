"""What one command loads stays loaded from stage to stage, so that every frozen part of a model is read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tunesmith.run.context import RunContext

if TYPE_CHECKING:
    from tunesmith.families.contract import Networks

_USERS = ("encode", "train", "generate", "evaluate")
"""Stages that load parts of a model."""


@contextmanager
def loaded_once(context: RunContext) -> Iterator[Callable[[str], None]]:
    """A block around the stages of a command; what it gives is called with the name of each stage that is done now.

    Text encoders and codecs stay until its end, networks with an adapter until another adapter is asked for. A training
    without previews has no use for either and gets their memory. Where nothing is done, no model is opened.
    """
    with ExitStack() as stack:
        held = False

        def before(stage: str) -> None:
            nonlocal held
            if stage not in _USERS:
                return
            family = context.family
            if stage == "train" and not context.recipe.previews.every:
                stack.close()
                held = False
            elif not held:
                stack.enter_context(family.encoding.staying())
                stack.enter_context(_adapted_kept(family.networks))
                held = True

        yield before


@contextmanager
def _adapted_kept(networks: Networks) -> Iterator[None]:
    before, networks.adapted = networks.adapted, {}
    try:
        yield
    finally:
        networks.adapted = before
