from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.recipe.load import load_recipe
from tunesmith.stages.open import open_run, with_absolute_paths


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def recipe(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_file_becomes_a_run_folder_that_tells_everything(tmp_path: Path) -> None:
    source = recipe(tmp_path / "mine" / "trap.yaml", "# my notes\ndata:\n  folder: ../it's # here\ntrain: {seed: 3}\n")
    context = open_run(str(source), ["train.updates=5"], command="tunesmith run mine/trap.yaml")
    assert context.folder.path == Path("runs/trap")
    assert context.recipe == load_recipe(source, ["train.updates=5"])
    assert context.recipe.data.folder == str(tmp_path / "it's")
    copied = context.folder.recipe.read_text(encoding="utf-8")
    assert copied.startswith("# my notes\n")
    assert copied.count("# here") == 1
    assert load_recipe(context.folder.recipe) == load_recipe(source), "the copy means what the original meant"
    for same in ("trap", "runs/trap", "runs/trap/recipe.yaml"):
        again = open_run(same, command="")
        assert again.recipe == load_recipe(source)
        assert again.folder.path.resolve() == context.folder.path.resolve()


def test_a_changed_recipe_replaces_the_copy_and_keeps_the_earlier_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = recipe(tmp_path / "a.yaml", "train: {seed: 1}\n")
    folder = open_run("a.yaml", command="").folder
    open_run("a.yaml", command="")
    assert not (folder.path / "recipe.previous.yaml").exists()
    source.write_text("train: {seed: 2}\n", encoding="utf-8")
    assert open_run("a.yaml", command="").recipe.train.seed == 2
    assert (folder.path / "recipe.previous.yaml").read_text() == "train: {seed: 1}\n"
    assert "recipe.previous.yaml" in capsys.readouterr().out


def test_only_the_resolved_recipe_is_enough_and_a_report_needs_none(tmp_path: Path) -> None:
    recipe(tmp_path / "out" / "recipe.resolved.yaml", "name: out\ntrain: {seed: 9}\n")
    assert open_run("out", command="").recipe.train.seed == 9
    (tmp_path / "bare" / "evaluation").mkdir(parents=True)
    with pytest.raises(TunesmithError, match=r"no recipe\.yaml"):
        open_run("bare", command="")
    assert open_run("bare", command="", need_recipe=False).recipe.name == "bare"


def test_nothing_is_made_for_a_bad_recipe_or_name(tmp_path: Path) -> None:
    recipe(tmp_path / "bad.yaml", "adapter: {rank: -1}\n")
    recipe(tmp_path / "evil.yaml", "name: ../../evil\n")
    expected = {
        "bad.yaml": r"bad\.yaml:1: adapter\.rank",
        "evil.yaml": "cannot name a run",
        "none.yaml": "no such file",
        "none": "there is no run",
    }
    for target, words in expected.items():
        with pytest.raises(TunesmithError, match=words):
            open_run(target, command="")
    assert not (tmp_path / "runs").exists()


def test_only_paths_are_touched_in_the_copy(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    text = 'data: {folder: "a b", default_text: ./x}\nmodel:\n  path: weights   # local\n'
    done = with_absolute_paths(text, tmp_path)
    assert (
        done
        == f"data: {{folder: '{tmp_path}/a b', default_text: ./x}}\nmodel:\n  path: '{tmp_path}/weights'   # local\n"
    )
    hub = "model: {path: facebook/musicgen-small}\n"
    assert with_absolute_paths(hub, tmp_path) == hub
