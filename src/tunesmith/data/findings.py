"""What a check has to say about a clip: name, number, limit and remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warn", "info"]


@dataclass(frozen=True)
class Finding:
    """One observation of one check.

    Attributes:
        check: The check's name (its file's name), e.g. ``mostly_silent``.
        level: ``error`` quarantines the clip, ``warn`` asks for attention, ``info`` only tells.
        clip: The sample's id; ``*`` for a finding about the whole set.
        message: A sentence for the user, with the measured number in it.
        value: The measured number, in ``unit``; ``None`` where there is none.
        limit: The limit it was held against.
        unit: Unit of value and limit (``s``, ``dB``, ``%``…).
        remedy: What to do about it.
        message_zh: The same sentence in Chinese.
        remedy_zh: The same remedy in Chinese.
    """

    check: str
    level: Level
    clip: str
    message: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    remedy: str = ""
    message_zh: str = ""
    remedy_zh: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``findings.json``."""
        return asdict(self)
