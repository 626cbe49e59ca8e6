"""``progress.json``: how far the command that writes into a run is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StageProgress:
    """What the file says; see docs/run_folder.md."""

    stage: str
    done: float
    total: float | None
    unit: str = ""
    note: str = ""
    eta_seconds: float | None = None

    @property
    def share(self) -> float | None:
        """From 0 to 1; ``None`` where nobody knows the whole."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total else None


def read_progress(folder: Path) -> StageProgress | None:
    """The progress of a run's command; ``None`` without the file, and where it is not understood."""
    try:
        data = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("stage"), str) or data.get("ended"):
        return None
    done = _number(data.get("done"))
    if done is None:
        return None
    note = data.get("note")
    return StageProgress(
        stage=data["stage"],
        done=done,
        total=_number(data.get("total")),
        unit=str(data.get("unit") or ""),
        note=note if isinstance(note, str) else str(note.get("text", "")) if isinstance(note, dict) else "",
        eta_seconds=_number(data.get("eta_seconds")),
    )


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None
