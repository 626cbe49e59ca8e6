"""The house by its own measure: no cycles, short files and roles, one class a name, a train command that goes down."""

from __future__ import annotations

import ast
import statistics
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import grimp
import networkx as nx
import pytest

from tunesmith.families import contract

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tunesmith"
FILES = sorted(SOURCE.rglob("*.py"))
ROLES = ("Card", "Networks", "Encoding", "Objective", "Generation", "Adapters", "Checks")


def test_no_file_imports_itself_through_others():
    graph = grimp.build_graph("tunesmith")
    arrows = nx.DiGraph((m, n) for m in graph.modules for n in graph.find_modules_directly_imported_by(m))
    assert not [sorted(circle) for circle in nx.strongly_connected_components(arrows) if len(circle) > 1]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_at_most_eight_members(role):
    members = [name for name in vars(getattr(contract, role)) if not name.startswith("_")]
    assert 0 < len(members) <= 8, members


def test_files_are_short():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {path.name: count for path, count in lines.items() if count > 350}
    assert statistics.median(lines.values()) <= 110
    families = {path: n for path, n in lines.items() if path.parent.parent.name == "families" and n > 250}
    assert not families


def test_a_class_name_means_one_class():
    places = defaultdict(list)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(SOURCE)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def ranks() -> dict[str, int]:
    """The height of every room by the contract that import-linter holds, 0 at the top."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return {room.strip(): height for height, layer in enumerate(layers) for room in layer.split("|")}


def test_a_train_command_goes_down_to_backward(tmp_path, monkeypatch):
    """Imports may only go down; so do the calls that happen, from the command line to ``backward``."""
    from accelerate import Accelerator

    from tunesmith.cli.main import main
    from tunesmith.pocket.examples import make_examples

    monkeypatch.chdir(tmp_path)
    heights, upward, path_down = ranks(), Counter(), []
    inside = str(SOURCE) + "/"

    def room(file: str) -> str:
        return file.removeprefix(inside).split("/")[0].removesuffix(".py")

    def follow(frame, event, _):
        caller, file = frame.f_back, frame.f_code.co_filename
        if event != "call" or not file.startswith(inside) or frame.f_code.co_name.startswith("<"):
            return
        while caller and not caller.f_code.co_filename.startswith(inside):
            caller = caller.f_back
        if caller and heights.get(room(file), 0) < heights.get(room(caller.f_code.co_filename), -1):
            upward[caller.f_code.co_filename.removeprefix(inside), file.removeprefix(inside)] += 1

    original = Accelerator.backward

    def backward(self, loss, **more):
        frame = sys._getframe()
        while frame and not path_down:
            while frame:
                path_down.append(frame.f_code.co_filename)
                frame = frame.f_back
        return original(self, loss, **more)

    def run(*words: str) -> None:
        assert main(list(words)) == 0

    make_examples(tmp_path / "clips", 6)
    run("new", "r", "--from", str(tmp_path / "clips"), "--model", "pocket")
    run("encode", "r")
    monkeypatch.setattr(Accelerator, "backward", backward)
    sys.setprofile(follow)
    try:
        run("train", "r", "train.updates=2", "train.valid_every=1", "previews.every=0", "evaluate.forgetting_prompts=0")
    finally:
        sys.setprofile(None)
    ours = list(dict.fromkeys(file.removeprefix(inside) for file in path_down if file.startswith(inside)))
    assert "training/loop.py" in ours and len(ours) <= 20, ours
    assert len(upward) <= 4, upward
