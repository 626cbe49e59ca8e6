"""Clips, answers and listeners that the tests of this room share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.audio.write import write
from tunesmith.label.provider import Question
from tunesmith.pocket.synth import render

GOOD: dict[str, Any] = {
    "simplified": "trap",
    "expanded": "trap, drill, 808 slides",
    "descriptive": "A deep sub bass slides under crisp hats and cold bells in a wide, dark room.",
    "synonyms": "southern hip hop, low-end bass",
    "use_cases": "night drive videos, freestyle sessions",
    "analysis": {
        "genre": ["trap", "hip hop"],
        "instruments": ["808 bass", "hi hats", "bells"],
        "tempo": "about 90 bpm",
        "mood": ["dark"],
    },
    "lyrical_rap_check": False,
}


def good(**changes: Any) -> str:
    """A valid answer, changed where asked."""
    return json.dumps({**GOOD, **changes})


def clip(path: Path, *, style: str = "trap808", seconds: float = 4.0, seed: int = 0) -> Path:
    """Write a synthesised clip (16 kHz)."""
    rendered = render(style, seconds, seed, 16000)
    write(path, rendered.audio.T, 16000)
    return path


def silence(path: Path, seconds: float) -> Path:
    write(path, np.zeros((1, int(16000 * seconds)), np.float32), 16000)
    return path


class Script:
    """A listener that says what it is told to, in turn, and remembers the questions; an exception is raised."""

    name = "script"

    def __init__(self, *answers: str | BaseException, model: str = "m") -> None:
        self.model = model
        self.questions: list[Question] = []
        self._answers = iter(answers)

    def answer(self, question: Question) -> str:
        self.questions.append(question)
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]


def texts(folder: Path) -> dict[str, str]:
    found: Iterable[Path] = sorted(folder.glob("*.txt"))
    return {path.name: path.read_text("utf-8").strip() for path in found}
