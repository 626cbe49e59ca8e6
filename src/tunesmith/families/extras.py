"""Libraries of the package's extras, imported when they are first needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg


def require(module: str, extra: str, purpose: str | Message) -> ModuleType:
    """Import a library of one of the package's extras.

    Args:
        module: What to import.
        extra: The extra of this package that installs it.
        purpose: What it is for, as the beginning of a sentence ("Korean lyrics").

    Raises:
        TunesmithError: with the command that installs it, when it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TunesmithError(
            msg(
                "{purpose}: the library {library} is not installed",
                purpose=purpose,
                library=module.partition(".")[0],
            ),
            remedy=msg('Run: pip install "tunesmith[{extra}]"', extra=extra),
        ) from error
