"""A part is a list of steps, each with a name, its figures, and about how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gpu_parts.cases import Place

Figures = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One measurement.

    Attributes:
        name: Within its part.
        seconds: About how long it takes on an H200; it is not begun with less left.
        run: Measures; a correctness part's figures say by ``ok`` whether they are within their limits.
    """

    name: str
    seconds: float
    run: Callable[[], Figures]


Part = Callable[[Place], list[Step]]
"""Names the steps of a part; nothing is built yet."""
