"""The lines of ``metrics.jsonl``, one model per kind: the truth about a training run, for writer and readers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from tunesmith.errors import TunesmithError
from tunesmith.records.record import Record, Said, damaged
from tunesmith.texts import msg

Numbers = dict[str, float | None]
"""Numbers by name; ``None`` where one was not finite."""
GateStatus = Literal["pass", "warn", "stop", "off"]


class MetricLine(Record):
    """What every line has; a text or a truth value is no number here.

    Attributes:
        kind: Which of the models below it is.
        update: Optimizer updates that were done when it was written.
        time: Seconds since the run began, over all its parts.
    """

    model_config = ConfigDict(strict=True)

    kind: str
    update: int
    time: float = 0.0


class TrainLine(MetricLine):
    """The loss of one update.

    Attributes:
        stage: Training stage.
        loss: Loss of the update over this process's clips.
        terms: The same by term.
        learning_rate: Of the present stage's first network.
        grad_norm: Before clipping.
        tokens: Real frames of the update.
        skipped: Updates without a step so far.
        tokens_per_second: Over the whole run.
    """

    kind: Literal["train"] = "train"
    stage: str = ""
    loss: float | None
    terms: Numbers = Field(default_factory=dict)
    learning_rate: float
    grad_norm: float | None
    tokens: int
    skipped: int
    tokens_per_second: float


class ValidLine(MetricLine):
    """One measurement of the held-out clips.

    Attributes:
        loss: Mean over the user's own held-out clips.
        terms: The same by term.
        forgetting: Loss on the base model's own outputs, where it is measured.
        kinds: Loss by kind of edit, or of own and replayed clips; left out where all are of one kind.
        clips: Loss of a few of the user's own held-out clips, each alone; lines of before have none.
        best: Whether the loss was the lowest so far; an event ``vetoed`` says where previews objected later.
        stage: Training stage.
        weights: Which weights were measured, ``raw`` or ``ema``.
    """

    kind: Literal["valid"] = "valid"
    loss: float | None
    terms: Numbers = Field(default_factory=dict)
    forgetting: float | None = None
    kinds: Numbers = Field(default_factory=dict)
    clips: Numbers = Field(default_factory=dict)
    best: bool
    stage: str = ""
    weights: Literal["raw", "ema"] = "raw"

    def to_json(self) -> dict[str, Any]:
        """Plain data of the line; without ``kinds`` and ``clips`` where there are none."""
        return {key: value for key, value in super().to_json().items() if key not in ("kinds", "clips") or value}


class PreviewLine(MetricLine):
    """One preview that was generated while training.

    Attributes:
        index: Which of the round's requests.
        prompt: Its caption.
        seed: Its seed.
        file: The audio, relative to the run folder.
        signals: What was measured of it.
        problem: What is wrong with it, if anything.
    """

    kind: Literal["preview"] = "preview"
    index: int
    prompt: str
    seed: int
    file: str
    signals: dict[str, Any]
    problem: str | None = None


class GateLine(MetricLine):
    """What one gate saw before the first update.

    Attributes:
        name: The gate's.
        status: What came of it; ``off`` where the recipe turned it off.
        message: The same in a sentence.
        value: What was measured.
        limit: What it was held against.
    """

    kind: Literal["gate"] = "gate"
    name: str
    status: GateStatus
    message: Said
    value: float | None = None
    limit: float | None = None

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Format 0 had a sentence in English and one in Chinese."""
        return _one_message(data)


class EventLine(MetricLine):
    """Something that happened once.

    Attributes:
        name: What, such as ``early_stop`` or ``finished``.
        message: The same in a sentence.
        about: The earlier update that it is about; left out where it is about none.
    """

    kind: Literal["event"] = "event"
    name: str
    message: Said
    about: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data of the line; without ``about`` where it is about no other update."""
        return {key: value for key, value in super().to_json().items() if key != "about" or value is not None}

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Format 0 had a sentence in English and one in Chinese."""
        return _one_message(data)


KINDS: dict[str, type[MetricLine]] = {
    "train": TrainLine,
    "valid": ValidLine,
    "preview": PreviewLine,
    "gate": GateLine,
    "event": EventLine,
}


def _one_message(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key != "message_zh"}
    if not isinstance(data.get("message"), str):
        return rest
    texts = (data["message"], data.get("message_zh"))
    en, zh = (text if isinstance(text, str) and text.strip() else "" for text in texts)
    return {**rest, "message": {"en": en, "zh": zh}}


def metric_line(data: Mapping[str, Any], where: Path | str = "") -> MetricLine:
    """The line that JSON data are, of this format or an earlier one.

    Raises:
        TunesmithError: when they are of no known kind, or not what a line of their kind is.
    """
    if not isinstance(data, Mapping):
        raise damaged(msg("it holds no object"), where)
    if not isinstance(data.get("kind"), str):
        raise damaged(msg("it does not say what kind of line it is"), where)
    kind = KINDS.get(data["kind"])
    if kind is None:
        raise TunesmithError(
            msg("there are no metrics of kind {kind!r}", kind=data.get("kind")),
            where=str(where) or None,
            remedy=msg("Update Tunesmith."),
        )
    return kind.from_json(data, where)


def read_metric_lines(path: Path, refused: list[TunesmithError] | None = None) -> Iterator[MetricLine]:
    """The lines of a ``metrics.jsonl`` in order; none without the file, and one cut off by a crash is passed over.

    Args:
        path: The file.
        refused: Where given, takes what is wrong with each line that is not understood, and the reading goes on; so it
            does of whole lines that are no JSON, which are passed over in silence otherwise.

    Raises:
        TunesmithError: from a line of JSON that is not understood, where there is no ``refused``.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}:{number}"
            try:
                data = json.loads(line)
            except (ValueError, RecursionError):
                if refused is not None and line.strip() and line.endswith(b"\n"):
                    refused.append(damaged(msg("this line is no JSON"), where))
                continue
            try:
                yield metric_line(data, where)
            except TunesmithError as error:
                if refused is None:
                    raise
                refused.append(error)
