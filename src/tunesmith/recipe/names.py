"""What a run may be called."""

from __future__ import annotations

import re


def valid_name(name: str) -> bool:
    """Whether ``name`` can be a run's name (letters of any script, digits, ``. _ -``; no path parts)."""
    return bool(re.fullmatch(r"[^\W_][\w.\-]*", name))
