"""Figures on the benchmarks' page are those in the result files, and a benchmark writes such a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from benchmarks import make_tables, recording

ROOT = Path(__file__).parents[1]


def page() -> str:
    return make_tables.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", make_tables.PAGES, ids=lambda path: path.name)
def test_a_page_has_the_tables_that_the_results_make(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    assert make_tables.filled(written, recording.load()) == written


def test_every_table_of_the_page_is_made_and_every_template_is_used() -> None:
    pages = [path.read_text(encoding="utf-8") for path in make_tables.PAGES]
    named = [block[1] for written in pages for block in make_tables.BLOCK.finditer(written)]
    assert sorted(named) == sorted(path.stem for path in make_tables.TEMPLATES.glob("*.md"))
    outside = make_tables.BLOCK.sub("", page())
    assert not [line for line in outside.splitlines() if line.startswith("|")]


def test_every_result_is_of_a_script_and_says_where_it_comes_from() -> None:
    for script, runs in recording.load().items():
        assert (ROOT / "benchmarks" / f"{script}.py").is_file()
        for run in runs.values():
            assert run["figures"] and run["machine"]["cpu"]
            assert run["commit"] or run["note"]


def test_another_figure_makes_another_table_and_a_missing_one_is_an_error() -> None:
    runs: dict[str, Any] = recording.load()
    runs["cache_reads"][""]["figures"]["ratio"] = 9.0
    changed = make_tables.filled(page(), runs)
    assert "| 9.0 × (40,600/s" in changed
    assert "| ≥ 10 | missed |" in changed
    del runs["cache_reads"][""]["figures"]["ratio"]
    with pytest.raises(UndefinedError):
        make_tables.filled(page(), runs)


@pytest.fixture
def tried_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scripts can be imported, and write here."""
    monkeypatch.setenv("BENCHMARK_RESULTS", str(tmp_path))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return tmp_path


def test_a_run_is_written_under_its_arguments_and_replaces_only_itself(
    tried_out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = ["--clips", "50", "--epochs", "1"]
    for arguments, clips in ((again, 50), ([], 0), (again, 60)):
        monkeypatch.setattr("sys.argv", ["padding_waste.py", *arguments])
        recording.measured(clips=clips)
        path = recording.write_results("benchmarks/padding_waste.py")
    written = json.loads(path.read_text(encoding="utf-8"))
    assert path == tried_out / "padding_waste.json"
    assert written["format"] == recording.FORMAT
    figures = {name: run["figures"] for name, run in written["runs"].items()}
    assert figures == {"": {"clips": 0}, "--clips 50 --epochs 1": {"clips": 60}}
    assert all(run["machine"]["torch"] and "commit" in run for run in written["runs"].values())


def test_a_benchmark_writes_what_its_table_reads(tried_out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["padding_waste.py", "--clips", "100", "--epochs", "1"])
    import padding_waste

    padding_waste.main()
    (run,) = recording.load(tried_out)["padding_waste"].values()
    assert set(run["figures"]["padding_share"]) == set(
        recording.load()["padding_waste"][""]["figures"]["padding_share"]
    )
