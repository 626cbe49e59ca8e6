"""``environment.json``: what a run was made with."""

from __future__ import annotations

from tunesmith.records.record import Part, Record


class BaseModelFacts(Part):
    """The base model; what is not known without a download is ``None``.

    Attributes:
        path: As the recipe names it.
        family: Its family.
        licence: That of its weights.
        parameters: How many it has.
        sample_rate: Of what it generates, in Hz.
    """

    path: str
    family: str
    licence: str | None = None
    parameters: int | None = None
    sample_rate: int | None = None


class PrecisionTrial(Part):
    """What `model.precision: auto` tried on a CPU that has bf16, before training.

    Attributes:
        fp32: Processor seconds of one clip through one block of what trains, forward and backward, in fp32.
        bf16: The same in bf16.
        taken: The precision that the run computes in.
    """

    fp32: float
    bf16: float
    taken: str


class Environment(Record):
    """Versions by package, the platform, the base model, and the command that was typed.

    The device and the precision that training found are in the state of the train stage.
    """

    versions: dict[str, str]
    platform: str
    model: BaseModelFacts
    command: str
    precision: PrecisionTrial | None = None
