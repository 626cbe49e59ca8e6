"""How far a run is, apart from tensors: what a checkpoint keeps in ``state.json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """Everything about a run that changes from update to update, apart from tensors.

    Attributes:
        update: Updates that are done.
        stage: Index of the present stage.
        stage_began: Updates that were done when it began.
        history: The records of finished stages (:func:`stage_record`).
        first_loss: Held-out loss that the present stage began with; ``None`` where it was not measured.
        best_loss: The lowest held-out loss of the present stage, what it began with included.
        best_update: The update that it was measured at; ``None`` as long as nothing was better than the beginning.
        candidates: Update and held-out loss of weights that wait for previews to judge them: the first ones that were
            better than the best, and the best since.
        lowest_loss: The lowest held-out loss of the present stage, whatever its previews sounded like.
        without_best: Measurements since the lowest one.
        skipped: Updates without a step because of a gradient that was not finite.
        skipped_in_row: How many of the last ones.
        finished: Whether the present stage has been stopped early, or the run is over.
    """

    update: int = 0
    stage: int = 0
    stage_began: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    first_loss: float | None = None
    best_loss: float | None = None
    best_update: int | None = None
    candidates: list[tuple[int, float]] = field(default_factory=list)
    lowest_loss: float | None = None
    without_best: int = 0
    skipped: int = 0
    skipped_in_row: int = 0
    finished: bool = False


def stage_record(progress: Progress, name: str) -> dict[str, Any]:
    """What the present stage did so far: its name, updates, first and best held-out loss."""
    return {
        "name": name,
        "updates": progress.update - progress.stage_began,
        "first_loss": progress.first_loss,
        "best_loss": progress.best_loss,
        "best_update": progress.best_update,
    }
