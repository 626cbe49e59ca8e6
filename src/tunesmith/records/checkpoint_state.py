"""``state.json`` of a checkpoint: how far the run is, and whose checkpoint it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tunesmith.records.record import Record

CLIPS, CLIPS_PER_UPDATE = "clips", "clips per update"
"""Names of what training depends on beside the keys of its recipe."""


class CheckpointState(Record):
    """What a checkpoint keeps beside its tensors.

    Attributes:
        progress: The fields of :class:`tunesmith.training.progress.Progress`.
        identity: What the checkpoint belongs to, by the keys of its recipe; another run's is refused.
        tunesmith: The version that wrote it.
        precision: What training computed in (``fp32``, ``bf16``, ``fp16``); empty in checkpoints of before.
    """

    FORMAT: ClassVar[int] = 2

    progress: dict[str, Any]
    identity: dict[str, Any]
    tunesmith: str = ""
    precision: str = ""

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Before version 2 the identity had an ``adapter``, an ``objective`` and a few names of its own."""
        identity = dict(data["identity"])
        renamed: dict[str, str] = {"seed": "train.seed", "clips_per_update": CLIPS_PER_UPDATE, "family": "model.family"}
        found: dict[str, Any] = {
            str(renamed.get(key, key)): value for key, value in identity.items() if not isinstance(value, Mapping)
        }
        base = found.pop("base", None)
        if base is not None and not Path(base).is_absolute():  # a folder is known by its content now
            found["model.path"] = base
        for name, prefix in (("adapter", "adapter."), ("objective", "options.")):
            found |= flat(identity.get(name) or {}, prefix)
        if "shapes" in identity:
            found["shapes"] = identity["shapes"]
        return {**data, "identity": found}


def flat(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Nested values by their dotted names; an empty mapping has none."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return found
