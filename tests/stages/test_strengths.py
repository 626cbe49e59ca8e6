"""A few prompts at several strengths of the adapter: what is made, what an interruption keeps, what the plan counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.stages.test_results import make, trained  # noqa: F401 - fixtures
from tunesmith.families.musicgen.generate import MusicGenGenerator
from tunesmith.records.comparison import Comparison
from tunesmith.run.context import RunContext
from tunesmith.stages.kept_sounds import KeptSounds
from tunesmith.stages.pipeline import run_stages

Make = Callable[..., RunContext]
ASKED: dict[str, Any] = {"seconds": 0.5, "count": 2, "forgetting_prompts": 1, "strength_prompts": 1}


def sounds(context: RunContext) -> dict[str, bytes]:
    folder = context.folder.evaluation
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.wav"))}


def test_an_interrupted_evaluation_goes_on_where_it_stopped(
    make: Make,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = make(evaluate=ASKED, generate={"batch_size": 1})
    made = counted(monkeypatch)
    run_stages(context, ["evaluate"])
    assert len(made) == 2 * 3 + 2 * 1, "both sides of three prompts, and one at two further strengths"
    whole = sounds(context)
    further = [name for name in whole if name.startswith("strengths")]
    assert further == ["strengths/0.5/00.wav", "strengths/1.5/00.wav"]
    first, *others = Comparison.read(context.folder.comparison).prompts
    assert [(one.scale, f"{one.output.file}") for one in first.strengths] == [(0.5, further[0]), (1.5, further[1])]
    assert {one.output.signals["gain_db"] for one in first.strengths} == {first.lora.signals["gain_db"]}
    assert not any(other.strengths for other in others)
    assert not context.folder.unfinished_evaluation.exists()

    made.clear()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        counted(patch, stop_after=7)
        run_stages(context, ["evaluate"], force=True)
    assert sounds(context) == whole, "the evaluation before stands until the new one is whole"
    made.clear()
    run_stages(context, ["evaluate"])
    assert len(made) == 1, "only the sound that was being made is lost"
    assert sounds(context) == whole

    without = make(evaluate={**ASKED, "strength_prompts": 0})
    run_stages(without, ["evaluate"])
    assert not (without.folder.evaluation / "strengths").exists()
    assert not any(prompt.strengths for prompt in Comparison.read(without.folder.comparison).prompts)


def counted(monkeypatch: pytest.MonkeyPatch, stop_after: int | None = None) -> list[Any]:
    """Every request that is generated from now on; Ctrl-C comes before one more than so many."""
    made: list[Any] = []
    generate = MusicGenGenerator.generate

    def counting(self: MusicGenGenerator, requests: Any, *rest: Any) -> Iterator[Any]:
        if len(made) == stop_after:
            raise KeyboardInterrupt
        made.extend(requests)
        return generate(self, requests, *rest)

    monkeypatch.setattr(MusicGenGenerator, "generate", counting)
    return made


def test_sounds_of_other_settings_are_not_taken(make: Make) -> None:  # noqa: F811
    context = make(evaluate=ASKED)
    kept = KeptSounds.of(context, context.folder.best)
    audio = np.linspace(-1, 1, 7, dtype=np.float32)[None]
    kept.keep(["a"], [(audio, 8000)])
    again = KeptSounds.of(context, context.folder.best).sounds(["a"])
    assert (
        again is not None and again[0][1] == 8000 and (again[0][0] == audio).all() and again[0][0].dtype == audio.dtype
    )
    assert kept.sounds(["a", "b"]) is None
    (kept.folder / "b.npz").write_bytes((kept.folder / "a.npz").read_bytes()[:40])
    assert kept.sounds(["b"]) is None, "half a file is no sound"
    other = KeptSounds.of(make(evaluate={**ASKED, "seed": 5}), context.folder.best)
    assert other.sounds(["a"]) is None and not kept.folder.exists()
