"""``tunesmith compare`` as its user types it."""

from __future__ import annotations

import json

import pytest

from tests.report import fake_run
from tunesmith.cli.main import main


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        fake_run.full_run(tmp_path / "runs" / name)
    return tmp_path / "runs"


def test_two_runs_are_held_against_each_other(two, capsys):
    assert main(["compare", "one", "two"]) == 0
    said = capsys.readouterr().out
    assert "one: held-out loss 4.912 → 4.125" in said and "cannot be told" in said
    record = json.loads((two / "one" / "runs_compared.json").read_text())
    assert [run["name"] for run in record["runs"]] == ["one", "two"]
    assert "<table>" in (two / "one" / "runs_compared.html").read_text()
    assert not (two / "two" / "runs_compared.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one"], "one run alone"),
        (["one", "three"], "no run `three`"),
        (["one", "two", "--checkpoints"], "those of one run"),
        (["one", "bare"], "not evaluated yet"),
    ],
)
def test_what_cannot_be_compared_is_said(two, capsys, words, said):
    (two / "bare").mkdir()
    (two / "bare" / "recipe.yaml").write_text("name: bare\n")
    assert main(["compare", *words]) == 1
    assert said in capsys.readouterr().err
