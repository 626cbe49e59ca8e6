"""``plan.json``: what a run will take, as it was estimated."""

from __future__ import annotations

from pydantic import Field

from tunesmith.records.record import Part, Record, Said


class DevicePlan(Part):
    """One device's share of a plan.

    Attributes:
        device: ``GPU`` or ``CPU``.
        precision: What training computes in there.
        memory: Bytes by part.
        seconds: Seconds by part.
        assumes: The speed that the seconds follow from.
        memory_bytes: The sum of ``memory``.
        total_seconds: The sum of ``seconds``.
    """

    device: str
    precision: str
    memory: dict[str, float]
    seconds: dict[str, float]
    assumes: Said
    memory_bytes: float
    total_seconds: float


class RunPlan(Record):
    """What a run will take.

    Attributes:
        updates: Of the optimiser, over all stages.
        clips_per_update: Clips of one update.
        epochs: Passes over the training clips.
        warmup: Updates until the learning rate is at its peak.
        peak_learning_rate: The highest learning rate.
        peak_learning_rates: The highest learning rate of every network that trains.
        clips: Clips in all.
        train_clips: Clips that are trained on.
        held_out: Held-out clips.
        seconds_of_audio: Their length.
        adapter_parameters: What trains.
        frames_per_micro_batch: Frames of the largest micro-batch.
        disk: Bytes by part.
        disk_bytes: The sum of ``disk``.
        devices: The devices it was estimated for.
    """

    updates: int
    clips_per_update: int
    epochs: float
    warmup: int
    peak_learning_rate: float
    peak_learning_rates: dict[str, float] = Field(default_factory=dict)
    clips: int
    train_clips: int | None = None
    held_out: int | None = None
    seconds_of_audio: float
    adapter_parameters: int
    frames_per_micro_batch: int
    disk: dict[str, float]
    disk_bytes: float
    devices: tuple[DevicePlan, ...] = ()
