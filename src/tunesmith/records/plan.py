"""``plan.json``: what a run will take, as it was estimated."""

from __future__ import annotations

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
        clips: Clips in all.
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
    clips: int
    seconds_of_audio: float
    adapter_parameters: int
    frames_per_micro_batch: int
    disk: dict[str, float]
    disk_bytes: float
    devices: tuple[DevicePlan, ...] = ()
