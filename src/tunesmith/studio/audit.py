"""``audit.log``: every action and every refusal, one JSON object a line; never a token."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from threading import Lock
from typing import Any


class AuditLog:
    """Appends to a file that only its owner may read.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()

    def write(self, **facts: Any) -> None:
        """Add a line; a disk that is full stops no action."""
        line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **facts}, ensure_ascii=False, default=str)
        try:
            with self._lock:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(line + "\n")
        except OSError:
            return
