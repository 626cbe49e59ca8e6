"""``state.json`` of a checkpoint: how far the run is, and whose checkpoint it is."""

from __future__ import annotations

from typing import Any

from tunesmith.records.record import Record


class CheckpointState(Record):
    """What a checkpoint keeps beside its tensors.

    Attributes:
        progress: The fields of :class:`tunesmith.training.progress.Progress`.
        identity: What the checkpoint belongs to; another run's is refused.
        tunesmith: The version that wrote it.
    """

    progress: dict[str, Any]
    identity: dict[str, Any]
    tunesmith: str = ""
