"""The pages of ``docs/how_to`` are followed literally, each in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how_to"
PAGES = sorted(page.name for page in HOW_TO.glob("add_*.md"))
BLOCK = re.compile(r"(?:^`(?P<path>[^`\n]+)`\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
FOLDERS = ("src", "tests", "docs", "tools", "examples", "scripts")
COPIED = (*FOLDERS, "README.md", "README.zh.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml")

WRITTEN = (".po", ".mo")
"""Files that the pages' commands write, and that a link would change in the repository itself."""


class Block(NamedTuple):
    path: str | None
    kind: str
    text: str


def blocks(page: str) -> list[Block]:
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return [Block(found["path"], found["kind"], found["text"]) for found in BLOCK.finditer(text)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository's text files; what is large (weights, golden tensors) is linked."""
    copied = {path for name in COPIED for path in files_of(ROOT / name)}
    for path in copied:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size > 200_000 and path.suffix not in WRITTEN:
            target.symlink_to(path)
        else:
            shutil.copy(path, target)
    return tmp_path


def files_of(place: Path) -> list[Path]:
    found = place.rglob("*") if place.is_dir() else [place]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def apply(block: Block, copy: Path) -> None:
    """Do what one block says."""
    if block.kind == "console":
        for line in block.text.splitlines():
            if line.startswith("$ "):
                run(line.removeprefix("$ "), copy)
    elif block.kind == "diff":
        assert block.path
        change(copy / block.path, block.text)
    elif block.path:
        path = copy / block.path
        assert not path.exists(), f"{block.path} is there already: the page should show a diff"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")


def change(path: Path, diff: str) -> None:
    """Apply hunks without line numbers, parted by ``@@`` lines: each stands in the file exactly once."""
    text = path.read_text(encoding="utf-8")
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if line[:1] != "+")
        after = "".join(line[1:] or "\n" for line in lines if line[:1] != "-")
        assert text.count(before) == 1, f"{path.name} has these lines {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def run(command: str, copy: Path) -> None:
    """A command of the page, with this Python in place of the one in ``.venv``."""
    words = [sys.executable if word == ".venv/bin/python" else word for word in shlex.split(command)]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    while "=" in words[0]:  # VARIABLE=value in front of a command
        name, _, environment[name] = words.pop(0).partition("=")
    done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_followed(page: str, copy: Path) -> None:
    found = blocks(page)
    assert any(block.kind == "console" for block in found)
    for block in found:
        apply(block, copy)
    python = [str(copy / block.path) for block in found if block.path and block.path.endswith(".py")]
    for tool in ("check", "format --check") if python else ():
        run(f".venv/bin/python -m ruff {tool} {' '.join(python)}", copy)


def test_the_index_names_every_page() -> None:
    index = (HOW_TO / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\((add_\w+\.md)\)", index)) == PAGES


def test_a_wrong_page_is_noticed(copy: Path) -> None:
    with pytest.raises(AssertionError, match="0 times"):
        apply(Block("README.md", "diff", " no such line\n+another\n"), copy)
    with pytest.raises(AssertionError, match="there already"):
        apply(Block("README.md", "python", "x = 1\n"), copy)
    with pytest.raises(AssertionError, match="boom"):
        apply(Block(None, "console", "$ .venv/bin/python -c 'raise SystemExit(\"boom\")'\n"), copy)
