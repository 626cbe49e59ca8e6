"""Help and errors of usage hold no English word of Typer's or argparse's for a reader of another language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer

from tunesmith.cli import frame
from tunesmith.cli.main import app, main
from tunesmith.doorways.common import Parser
from tunesmith.texts import msg

FRAMEWORK = re.compile(r"\b(Usage|Options|Arguments|Commands|Show this|Error|required\]|default:|OPTIONS|usage:)")


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language whose sentences are the English ones between ‹ and ›."""
    monkeypatch.setattr(frame, "reader_language", lambda: "zh")
    monkeypatch.setattr("tunesmith.texts.message.translate", lambda template, language: f"‹{template}›")


def verbs() -> Iterator[list[str]]:
    def walk(command: object, path: list[str]) -> Iterator[list[str]]:
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, [*path, name])

    yield from walk(typer.main.get_command(app), [])


def unmarked(text: str) -> str:
    """What is left of a text once all that was translated is taken out."""
    while (shorter := re.sub(r"‹[^‹›]*›", "", text)) != text:
        text = shorter
    return text


@pytest.mark.parametrize("path", list(verbs()), ids=" ".join)
def test_the_help_of_a_verb(path: list[str], marked: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0
    said = capsys.readouterr().out
    assert "‹Usage: ›" in said and "‹Show this message and exit.›" in said
    assert not FRAMEWORK.search(unmarked(said))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "a", "--fro"], "‹Error: ›‹there is no option --fro›‹; possible: --force›"),
        (["runn"], "‹there is no command `runn`›‹; did you mean `run`?›"),
        (["run"], "‹RUN is missing›"),
        (["evaluate", "a", "--seconds", "x"], "‹'--seconds' / '--duration': ›‹this is no number›"),
        (["evaluate", "a", "--seconds"], "‹--seconds needs a value›"),
        (["export", "a", "--which", "worst"], "‹`worst` is none of 'best', 'final'›"),
        (["pocket", "info", "a", "b"], "‹these words have no meaning here: b›"),
        (["label", ".", "--limit", "0"], "‹'--limit': ›‹at least 1 is needed›"),
    ],
)
def test_an_error_of_usage(words: list[str], said: str, marked: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert not re.sub(r"‹\[OPTIONS\]›|Value error", "", unmarked(err)).count("Error")


def test_the_help_of_a_doorway(marked: None, capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("train_lora", msg("Train."), {"rank": 12})
    parser.value("rank", msg("LoRA rank, {share} of it", share="10 %"))
    assert "10 % of it" in parser.format_help()
    for argv, said in ((["--help"], "‹Show this message and exit.›"), (["--foo"], "‹there is no option --foo›")):
        with pytest.raises(SystemExit):
            parser.parse_args(argv)
        captured = capsys.readouterr()
        assert "‹Usage: ›" in captured.out + captured.err and said in captured.out + captured.err


def test_english_is_left_as_it_is() -> None:
    assert frame.in_readers_words("Usage: a [OPTIONS]\nError: No such option: -x") == (
        "Usage: a [OPTIONS]\nError: No such option: -x"
    )
