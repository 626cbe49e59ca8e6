"""The bad inputs' script: its cases are made, run and judged; a dozen of them go through the command line here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.once import once

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
CASES = (
    "list-metadata.json-nan",
    "list-metadata.json-utf-16",
    "list-metadata.json-audio-up",
    "clips-empty",
    "clips-a-file",
    "name-train-'nowhere'",
    "recipe-file-tab-*",
    "recipe-file-alias-bomb-*",
    "recipe-file-tag-*",
    "type-musicgen-name",
    "override-plan-*",
)
"""Quick ones, of commands that load no model."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bad_inputs

    return bad_inputs


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips, and of every family a run folder and a doorway's; they hold no more than a recipe."""

    def make(root: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(BENCHMARKS))
            from bad_input_cases.finished import FAMILIES, finish

            made = finish(root, (), doorways=False)
            for family in FAMILIES:
                run = made.run(family) / "runs" / "r"
                run.mkdir(parents=True)
                data = json.dumps({"folder": str(made.data(family))})
                (run / "recipe.yaml").write_text(f"model: {{path: {made.model(family)}}}\ndata: {data}\n")
                made.doorway(family).mkdir(parents=True)

    return once(tmp_path_factory, "bad-inputs", make)


def finished(script: ModuleType, work: Path) -> object:
    return script.Finished(work)


def test_there_are_enough_cases_of_every_kind_and_the_draw_takes_from_each(script: ModuleType, work: Path) -> None:
    cases = script.all_cases(finished(script, work))
    drawn = script.chosen(cases, 320, 0)
    assert len({case.name for case in drawn}) == 320
    assert {case.kind for case in drawn} == {case.kind for case in cases}
    assert [case.name for case in script.chosen(cases, 320, 0)] == [case.name for case in drawn]
    assert [case.name for case in script.chosen(cases, 320, 1)] != [case.name for case in drawn]
    programs = {command.words[0] for case in cases for command in case.commands}
    scripts = BENCHMARKS.parent / "scripts"
    doorways = {
        path.relative_to(scripts).as_posix() for path in scripts.rglob("*.py") if "sys.exit" in path.read_text()
    }
    assert programs == set(script.PROGRAMS) == {"tunesmith"} | doorways
    from tunesmith.cli.main import VERBS

    verbs = {command.words[1] for case in cases for command in case.commands if command.words[0] == "tunesmith"}
    assert {verb.__name__.replace("_", "-") for verb, _ in VERBS} <= verbs


def test_a_dozen_cases_end_in_sentences(script: ModuleType, work: Path) -> None:
    context = script.forkserver(preload=False)
    cases = script.all_cases(finished(script, work))
    for pattern in CASES:
        case = next(case for case in cases if script.fnmatchcase(case.name, pattern))
        result = script.run_case(context, case, 60, None)
        assert not result.failed, script.show(result)


def case_of(script: ModuleType, prepare: Callable[[Path], None], *words: str) -> object:
    return script.Case("kind", "name", prepare, (script.Command(("tunesmith", *words)),))


def test_what_is_accepted_or_never_ends_fails(script: ModuleType) -> None:
    context = script.forkserver(preload=False)
    accepted = script.run_case(context, case_of(script, lambda folder: None, "presets", "list"), 60, None)
    assert "accepted without a word" in script.show(accepted)
    # A limit that no command keeps to: even the imports take longer.
    hung = script.run_case(context, case_of(script, lambda folder: None, "info"), 0.01, None)
    assert "hang: ended after" in script.show(hung)


def judged(script: ModuleType, folder: Path, code: int, said: str, write: Callable[[], object]) -> list[str]:
    before = script.look(folder)
    write()
    outcome = script.Outcome(code, "", "", said, 0.1)
    return script.faults(script.Command(("tunesmith", "train", "r"), "any"), outcome, folder, before)


@pytest.mark.parametrize(
    ("code", "said", "file", "content", "fault"),
    [
        (70, "error: something unforeseen happened (KeyError: 3)", None, "", "unforeseen"),
        (1, "Traceback (most recent call last):\nerror: x", None, "", "traceback"),
        (1, "error: 'NoneType' object is not iterable", None, "", "words of Python"),
        (1, "", None, "", "silent failure"),
        (-11, "", None, "", "crash: signal 11"),
        (1, "error: x", ".best_model.x1/a", "x", "leftover"),
        (0, "", "data/a.json", "{", "torn"),
        (1, "error: x", "runs/r/report.html", "<html>", "half-written"),
        (1, "error: x", "runs/r/data/a.json", "{}", None),
        (1, "error: a sentence", None, "", None),
    ],
)
def test_the_judge(
    script: ModuleType, tmp_path: Path, code: int, said: str, file: str | None, content: str, fault: str | None
) -> None:
    def write() -> None:
        if file is not None:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(content)

    found = judged(script, tmp_path, code, said, write)
    assert bool(found) == (fault is not None)
    assert fault is None or any(line.startswith(fault) for line in found)


def test_an_adapter_that_is_nowhere_any_more_is_lost_and_one_that_moved_is_not(
    script: ModuleType, tmp_path: Path
) -> None:
    adapter = tmp_path / "runs" / "r" / "best_model" / "adapter_model.safetensors"
    adapter.parent.mkdir(parents=True)
    adapter.write_bytes(b"weights")
    kept = tmp_path / "runs" / "r" / "attempts" / "1" / "best_model"
    kept.parent.mkdir(parents=True)
    assert not judged(script, tmp_path, 0, "", lambda: adapter.parent.rename(kept))
    lost = judged(script, tmp_path, 0, "", (kept / adapter.name).unlink)
    assert lost == ["lost: runs/r/attempts/1/best_model/adapter_model.safetensors"]
