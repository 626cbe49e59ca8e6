"""Answers by key, a line each, so that what took long is not done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tunesmith.files import explain_os_error


class KeyedLines:
    """A file of JSON lines ``{"key": …, "value": …}``; it may be deleted any time.

    Args:
        path: The file; made when the first answer comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, dict[str, Any]] = {}
        if path.is_file():
            for line in path.read_bytes().split(b"\n"):
                try:
                    record = json.loads(line)
                    self._known[record["key"]] = record["value"]
                except (ValueError, KeyError, TypeError):
                    continue  # an interrupted write

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer to a key, if it is known."""
        return self._known.get(key)

    def add(self, key: str, value: dict[str, Any]) -> None:
        """Remember an answer.

        Raises:
            TunesmithError: when it cannot be written.
        """
        self._known[key] = value
        try:
            with self.path.open("a", encoding="ascii") as file:
                file.write("\n" + json.dumps({"key": key, "value": value}))
        except OSError as error:
            raise explain_os_error(error, self.path) from error
