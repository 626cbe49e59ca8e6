"""``runs_compared.json``: runs or checkpoints side by side, and which of them to keep."""

from __future__ import annotations

from pydantic import Field

from tunesmith.records.record import Number, Part, Record, Said


class ComparedRun(Part):
    """One run, or one checkpoint of a run, as its evaluation left it.

    Attributes:
        name: Of the run, or of the checkpoint's folder.
        adapter: The adapter that was evaluated.
        base_loss: Held-out loss of its base.
        loss: With the adapter.
        forgetting: Loss on the base's own outputs less that of the base.
        moved: How far the weights move, in the median.
        distance: Kernel distance of the outputs to the clips.
        flagged: Outputs with a fault.
        outputs: How many there are.
        broken: Faults that make its outputs unusable.
        causes: What lies behind it, where something does.
    """

    name: str
    adapter: str
    base_loss: Number
    loss: Number
    forgetting: Number = None
    moved: Number = None
    distance: Number = None
    flagged: int = 0
    outputs: int = 0
    broken: tuple[Said, ...] = ()
    causes: tuple[Said, ...] = ()


class Choice(Part):
    """Which of them to keep; ``name`` is empty where it cannot be told.

    ``rivals`` are those that it cannot be told from.
    """

    name: str = ""
    sentence: Said
    rivals: tuple[str, ...] = Field(default_factory=tuple)


class RunsCompared(Record):
    """The whole of ``runs_compared.json``."""

    runs: tuple[ComparedRun, ...]
    choice: Choice
    notes: tuple[Said, ...] = ()
