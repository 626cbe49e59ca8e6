"""``generated/generated.json``: what the generate stage made, and with what."""

from __future__ import annotations

from tunesmith.records.record import Number, Part, Record


class GeneratedFile(Part):
    """One clip.

    Attributes:
        file: Its name, beside the record.
        prompt: What was asked for.
        seed: The seed it was made from.
        seconds: Its length.
        signals: What was measured, by the names of ``evaluation/signals.py``.
        problem: Name of the rule by which it is beyond use; ``None`` for sound audio.
    """

    file: str
    prompt: str
    seed: int
    seconds: float
    signals: dict[str, Number]
    problem: str | None


class GeneratedFiles(Record):
    """Everything that was made in one go.

    Attributes:
        adapter: Name of the adapter's folder; ``None`` where ``loras`` were used instead.
        scale: Its strength.
        loras: Adapters of the user's own, each with its strength, in place of the run's.
        source: Audio that was given to start from.
        span: Which seconds of it were meant.
        files: The clips, in the order of their prompts.
    """

    adapter: str | None = None
    scale: float | None = None
    loras: tuple[str, ...] = ()
    source: str | None = None
    span: tuple[float, float] | None = None
    files: tuple[GeneratedFile, ...]
