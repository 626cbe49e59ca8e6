"""Sounds and pictures by ids: an id names a file of a registered folder, and only the server can make one.

An id holds the path, sealed with a key: nothing has to be remembered, an id is good after a restart, and it does not
tell the name. It is no secret, and who has it may hear the file anyway; the seal keeps others from naming files.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

from tunesmith.studio.errors import NotThereError
from tunesmith.texts import msg

TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".png": "image/png",
}
"""The extensions that are served, and as what."""
_SEAL = 16


class MediaIds:
    """Makes ids of files and finds the files of ids.

    Args:
        key: The secret that they are sealed with.
        roots: Folders whose files may be served.
    """

    def __init__(self, key: str, roots: tuple[Path, ...]) -> None:
        self._key = hashlib.sha256(b"media" + key.encode()).digest()
        self._roots = tuple(root.resolve() for root in roots)

    def id_of(self, path: Path) -> str | None:
        """The id of a file; ``None`` where it may not be served or is not there."""
        found = self._allowed(path)
        if found is None:
            return None
        plain = os.fsencode(found)
        seal = self._sealed(plain)
        return base64.urlsafe_b64encode(seal + self._mixed(plain, seal)).decode().rstrip("=")

    def path_of(self, media: str) -> Path:
        """The file of an id.

        Raises:
            NotThereError: for an id that was not made here, and when the file is gone or may not be served.
        """
        try:
            raw = base64.urlsafe_b64decode(media + "=" * (-len(media) % 4))
        except ValueError:
            raw = b""
        seal, plain = raw[:_SEAL], self._mixed(raw[_SEAL:], raw[:_SEAL])
        if plain and hmac.compare_digest(seal, self._sealed(plain)):
            found = self._allowed(Path(os.fsdecode(plain)))
            if found is not None:
                return found
        raise NotThereError(msg("there is no such sound or picture"))

    def _allowed(self, path: Path) -> Path | None:
        """The file with its symbolic links resolved, where it lies in a registered folder and has a known extension."""
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        inside = next((real.relative_to(root) for root in self._roots if real.is_relative_to(root)), None)
        if inside is None or any(part.startswith(".") for part in inside.parts):
            return None
        return real if real.is_file() and real.suffix.lower() in TYPES else None

    def _sealed(self, plain: bytes) -> bytes:
        return hmac.digest(self._key, plain, "sha256")[:_SEAL]

    def _mixed(self, text: bytes, seal: bytes) -> bytes:
        stream = hashlib.shake_256(self._key + seal).digest(len(text))
        return bytes(a ^ b for a, b in zip(text, stream, strict=True))
