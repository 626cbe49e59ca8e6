"""The token that opens the studio: random, in a file that only its owner may read, the same after a restart."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error

_BYTES = 32


def token_of(folder: Path) -> str:
    """The token in a folder, which is made where it is missing or damaged.

    Raises:
        TunesmithError: when the folder cannot be written to.
    """
    path = folder / "token"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = path.read_text(encoding="ascii", errors="replace").strip() if path.exists() else ""
        if re.fullmatch(r"[\w-]{43}", kept):
            path.chmod(0o600)
            return kept
        token = secrets.token_urlsafe(_BYTES)
        write_private(path, token)
    except TunesmithError:
        raise
    except OSError as error:
        raise explain_os_error(error, path) from error
    return token


def write_private(path: Path, text: str) -> None:
    """Write a text that only its owner may read, from its first byte on."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
