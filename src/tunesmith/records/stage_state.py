"""``stages/<stage>.json``: whether a stage is done, on which inputs, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.record import Number, Part, Record


class PhaseSummary(Part):
    """One phase of training: its updates, its first and best held-out loss, and the update of the best."""

    name: str
    updates: int
    first_loss: Number
    best_loss: Number
    best_update: int | None


class TrainSummary(Part):
    """What came of training.

    Attributes:
        updates: Updates done.
        best_loss: The best held-out loss; ``None`` where it was not measured.
        best_update: Where it was found.
        stages: Phase by phase.
        skipped: Updates that were left out because they were not finite.
        seconds: How long it took.
        device: Where it ran.
        precision: What it computed in.
        trained_parameters: How many parameters were trained.
        base: The base model by its content; empty in records of before.
        probes: Losses of training clips with the weights that were kept; ``None`` in records of before.
        probed: Key of the base, weights and clips that the probes are of; empty in records of before.
    """

    updates: int
    best_loss: Number
    best_update: int | None
    stages: tuple[PhaseSummary, ...]
    skipped: int
    seconds: float
    device: str
    precision: str
    trained_parameters: int
    base: str = ""
    probes: LossProbes | None = None
    probed: str = ""


class StageState(Record):
    """The state of one stage.

    Attributes:
        stage: Its name.
        fingerprint: Key of everything that its result depends on.
        status: ``running`` while it runs and after it failed, else ``done``.
        seconds: How long it took.
        summary: What came of it: numbers and names; of training what :class:`TrainSummary` has.
        command: What does it by itself.
        inputs: Everything that its result depends on, by name; ``None`` in files from before it was kept.
    """

    FORMAT: ClassVar[int] = 2

    stage: str
    fingerprint: str
    status: Literal["running", "done"]
    seconds: float | None = None
    summary: dict[str, Any] = Field(default_factory=dict)
    command: str | None = None
    inputs: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _training_is_summed_up(self) -> Self:
        self.training()
        return self

    def training(self) -> TrainSummary | None:
        """What came of training; ``None`` for other stages, and before it is done."""
        if self.stage != "train" or self.status != "done":
            return None
        return TrainSummary.model_validate(self.summary)
