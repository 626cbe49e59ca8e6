"""Libraries that only some lyrics need, imported when a line asks for them."""

from __future__ import annotations

import importlib
from types import ModuleType

from tunesmith.errors import TunesmithError


def need(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a library of one of the package's extras.

    Args:
        module: What to import.
        extra: The extra of this package that installs it.
        purpose: What the lyrics need it for, in a few words.

    Raises:
        TunesmithError: with the command that installs it, when it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TunesmithError(
            f"{purpose} need the library {module.partition('.')[0]}, which is not installed",
            remedy=f"Run: pip install 'tunesmith[{extra}]'",
        ) from error
