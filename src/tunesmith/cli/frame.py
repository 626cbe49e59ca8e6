"""What Typer and argparse say around our own words, in the reader's language: headings of help, errors of usage."""

from __future__ import annotations

import re
from functools import partial

from tunesmith.texts import NOTHING, Message, msg, reader_language

_PARTS: tuple[tuple[str, Message], ...] = (
    (r"\[OPTIONS\]", msg("[OPTIONS]")),
    (r"\[required\]", msg("[required]")),
    (r"(?<=[\[(])default:", msg("default:")),
    (r"^(?:Usage|usage): ", msg("Usage: ")),
    (r"^Arguments:$", msg("Arguments:")),
    (r"^(?:Options|options):$", msg("Options:")),
    (r"^Commands:$", msg("Commands:")),
    (r"(?:Show|show) this (?:help )?message and exit\.?", msg("Show this message and exit.")),
    (r"^Try '(?P<command>.+)' for help\.$", msg("Try `{command}` for help.")),
    (r"^(?:Error: |.+\.py: error: )", msg("Error: ")),
    (r"No such option: (?P<option>\S+)", msg("there is no option {option}")),
    (r"unrecognized arguments: (?P<option>.+)$", msg("there is no option {option}")),
    (r" \(Possible options: (?P<options>.+)\)$", msg("; possible: {options}")),
    (r"No such command '(?P<command>.+?)'\.?", msg("there is no command `{command}`")),
    (r" Did you mean '?(?P<other>[^'?]+)'?\?$", msg("; did you mean `{other}`?")),
    (r"Missing command\.$", msg("a command is missing")),
    (r"Missing argument '(?P<name>.+?)'\.", msg("{name} is missing")),
    (r"Missing (?:option|parameter) '(?P<name>.+?)'\.", msg("{name} is missing")),
    (r"Option '(?P<name>.+?)' requires an argument\.$", msg("{name} needs a value")),
    (r"argument (?P<name>\S+): expected (?:one|at least one) argument$", msg("{name} needs a value")),
    (r"Option '(?P<name>.+?)' requires (?P<count>\d+) arguments\.$", msg("{name} needs {count} values")),
    (r"Got unexpected extra argument(?:s|\(s\))? \((?P<words>.+)\)$", msg("these words have no meaning here: {words}")),
    (r"Invalid value for (?P<name>.+?): ", msg("{name}: ")),
    (r"Value error, ", NOTHING),
    (r"Input should be greater than or equal to (?P<least>\S+)$", msg("at least {least} is needed")),
    (r"Input should be less than or equal to (?P<most>\S+)$", msg("at most {most} is allowed")),
    (r"Input should be a valid number, .*$", msg("this is no number")),
    (r"Input should be a valid integer, .*$", msg("this is no whole number")),
    (r"'(?P<value>[^']+)' is not a valid (?:float|float range)\.$", msg("`{value}` is no number")),
    (r"'(?P<value>[^']+)' is not a valid (?:int|integer|integer range)\.$", msg("`{value}` is no whole number")),
    (r"'(?P<value>[^']+)' is not one of (?P<choices>.+?)\.$", msg("`{value}` is none of {choices}")),
    (r"(?P<value>\S+) is not in the range (?P<range>.+)\.$", msg("{value} is outside of {range}")),
)
"""What is looked for in a line, and the sentence that stands in its place."""


def in_readers_words(text: str) -> str:
    """Lines of Typer's or argparse's in the reader's language; English as they are.

    What none of the patterns knows, a word of a newer release for instance, stays English.
    """
    language = reader_language()
    if language == "en":
        return text
    return "\n".join(_line(line, language) for line in text.split("\n"))


def _line(line: str, language: str) -> str:
    for pattern, sentence in _PARTS:
        line = re.sub(pattern, partial(_in_its_place, sentence, language), line)
    return line


def _in_its_place(sentence: Message, language: str, found: re.Match[str]) -> str:
    return Message(sentence.id, found.groupdict()).render(language) if sentence else ""
