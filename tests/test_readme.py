"""What the documentation tells people to type exists, says the same in both languages, and links somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer

from tunesmith.cli.main import app
from tunesmith.doorways.ace_step.options import COMMANDS as ACE_STEP
from tunesmith.doorways.musicgen.options import COMMANDS as MUSICGEN
from tunesmith.doorways.step_audio.finetune_demo import COMMANDS as STEP_AUDIO

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh.md")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("src/**/*.md"),
        *ROOT.glob("scripts/**/*.md"),
        *ROOT.glob("tools/**/*.md"),
    ]
)
MADE_LATER = {"docs/report.png"}
"""A screenshot of the demo's report, which is taken when everything else stands."""


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """The lines of every console or bash block, joined where they end in a backslash."""
    found = []
    for block in re.findall(r"^```(?:console|bash|sh)\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE):
        found += [line.removeprefix("$ ").strip() for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    return [command for command in found if not command.startswith("#")]


def prose(page: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def words_of(command: str) -> list[str] | None:
    """The words behind ``tunesmith``, also where a launcher starts it; ``None`` for other commands."""
    words = shlex.split(command)
    if words[0] == "tunesmith":
        return words[1:]
    if "-m" in words and words[words.index("-m") + 1 :][:1] == ["tunesmith"]:
        return words[words.index("-m") + 2 :]
    return None


def parse(words: list[str]) -> None:
    """Hold words against the command line without running anything; raises what the user would see."""
    command: Any = typer.main.get_command(app)
    parent = None
    while hasattr(command, "resolve_command"):
        context = command.make_context(command.name, list(words), parent=parent)
        _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        parent = context
    command.make_context(command.name, list(words), parent=parent)


COMMANDS = {**MUSICGEN, **ACE_STEP, **STEP_AUDIO}
ALL = [(page, command) for page in PAGES for command in commands(page)]
OURS = [(page, command) for page, command in ALL if words_of(command) is not None]
SCRIPTS = [(page, command) for page, command in ALL if re.match(r"python \w+\.py\b", command)]


@pytest.mark.parametrize(("page", "command"), OURS)
def test_every_tunesmith_command_parses(page, command):
    parse(words_of(command) or [])


@pytest.mark.parametrize(
    "command", ["fly", "run", "run a --fast", "export a --which worst", "presets burn", "train a --resume=no"]
)
def test_the_parser_refuses_what_does_not_exist(command):
    with pytest.raises(Exception, match=r"(?i)no such|missing|not one of|does not take"):
        parse(command.split())


@pytest.mark.parametrize(("page", "command"), SCRIPTS)
def test_every_script_and_its_flags_exist(page, command):
    words = shlex.split(command)
    assert len(list((ROOT / "scripts").glob(f"*/{words[1]}"))) == 1
    flags = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert flags <= COMMANDS[words[1].removesuffix(".py")] | {"config", "debug"}


def test_the_readmes_show_the_main_roads():
    verbs = {words[0] for page, command in OURS if page == "README.md" and (words := words_of(command))}
    main = "new run check encode train generate evaluate report export plan schema presets info"
    assert verbs.issuperset(main.split())
    assert {shlex.split(command)[1] for page, command in SCRIPTS if page == "README.md"} == {
        f"{name}.py" for name in COMMANDS
    }


def test_both_readmes_have_the_same_commands_tables_and_links():
    english, chinese = READMES
    assert commands(english) == commands(chinese)
    for pattern in (r"^```(\w+)", r"^(#+) ", r"^(\|)", r"`(gates\.\w+|--[a-z-]+|facebook/[\w-]+)`"):
        found = [re.findall(pattern, text_of(page), re.MULTILINE) for page in READMES]
        assert found[0] == found[1], pattern
    in_english = [{link.replace(".zh.md", ".md") for link in links(page) - {*READMES}} for page in READMES]
    assert in_english[0] == in_english[1]
    for link in links(chinese) - {english}:  # leads to the Chinese page of the documentation wherever there is one
        spoken = link.replace(".md", ".zh.md")
        assert link.endswith(".zh.md") or not (ROOT / spoken).exists() or spoken in links(chinese), link


def links(page: str) -> set[str]:
    return {target for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if not re.match(r"[a-z]+:", target)}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_resolves(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / unquote(path) if path else ROOT / page
        if not target.exists():
            relative = target.resolve().relative_to(ROOT.resolve()).as_posix()
            assert relative in MADE_LATER, f"{page} links to {link}, which is not there"
        elif anchor:
            assert anchor in anchors(target), f"{page} links to {link}, which has no such heading"


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page):
    targets = set(re.findall(r"^([a-z][\w-]*):", text_of("Makefile"), re.MULTILINE))
    in_text = re.findall(r"`make ([a-z][\w-]*)`", text_of(page))
    named = {*in_text, *(shlex.split(command)[1] for command in commands(page) if command.startswith("make "))}
    assert named <= targets, f"{page} names {named - targets}"


@pytest.mark.parametrize("page", READMES)
def test_the_readmes_show_the_report_and_name_the_licence_of_the_weights(page):
    assert "](docs/report.png)" in text_of(page)
    assert "CC BY-NC 4.0" in text_of(page)
