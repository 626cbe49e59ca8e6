"""Writes the tables of ``docs/benchmarks.md`` and ``docs/ears.md`` from ``results/*.json``: ``make benchmark-tables``.

Each block of a page between ``<!-- table NAME -->`` and ``<!-- end -->`` is the template ``tables/NAME.md`` (Jinja)
over the recorded runs. A template calls ``run("script", "arguments")`` for a
run's figures, or ``recorded`` where there may be none yet.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from tunesmith.files import write_text

if __package__:
    from benchmarks import recording
else:  # run as a file: this folder is on the path, and the one above is not
    import recording

_DOCS = Path(__file__).parents[1] / "docs"
PAGE = _DOCS / "benchmarks.md"
PAGES = (PAGE, _DOCS / "ears.md", _DOCS / "ears.zh.md")
TEMPLATES = Path(__file__).parent / "tables"
BLOCK = re.compile(r"(?<=<!-- table )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def filled(page: str, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with every table made anew.

    Args:
        page: The page's text.
        runs: As :func:`benchmarks.recording.load` gives them.

    Raises:
        jinja2.UndefinedError, KeyError: when a template asks for a figure or a run that was not recorded.
    """
    environment = environment_of(runs)

    def table(block: re.Match[str]) -> str:
        return f"{block[1]}{block[2]}{environment.get_template(f'{block[1]}.md').render().rstrip()}\n"

    return BLOCK.sub(table, page)


def rendered(name: str, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """One table by itself, of runs that need not be recorded yet."""
    return environment_of(runs).get_template(f"{name}.md").render().rstrip() + "\n"


def environment_of(runs: Mapping[str, Mapping[str, Any]]) -> jinja2.Environment:
    """What templates may use."""

    def run(script: str, arguments: str = "") -> Any:
        return runs[script][arguments]["figures"]

    def recorded(script: str, arguments: str = "") -> Any:
        return runs.get(script, {}).get(arguments, {}).get("figures")

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"run": run, "recorded": recorded, "reached": reached}
    environment.filters |= {"fixed": fixed, "grouped": lambda value: f"{float(value):,.0f}", "percent": percent}
    return environment


def fixed(value: float, digits: int = 2) -> str:
    """``1.40``."""
    return f"{float(value):.{digits}f}"


def percent(value: float, digits: int = 0) -> str:
    """``3.9 %`` of 0.039."""
    return f"{100 * float(value):.{digits}f} %"


def reached(value: float, aim: float, at_least: bool = True) -> str:
    """Whether an aim is reached, in the words of the tables."""
    return "reached" if (value >= aim if at_least else value <= aim) else "missed"


def main() -> None:
    """Write the pages."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    runs = recording.load()
    for page in PAGES:
        write_text(page, filled(page.read_text(encoding="utf-8"), runs))


if __name__ == "__main__":
    main()
