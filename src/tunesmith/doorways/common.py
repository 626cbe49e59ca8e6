"""What all doorways share: flags over config.yaml over defaults, and errors as one sentence."""

from __future__ import annotations

import argparse
import difflib
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error

CONFIG = "config.yaml"


class Parser(argparse.ArgumentParser):
    """A parser that fills in what the command line leaves open from config.yaml, then from the documented defaults.

    Args:
        description: What the command does.
        defaults: Default by flag name.
        types: Converter by flag name; strings by default.
    """

    def __init__(
        self, description: str, defaults: dict[str, Any], types: dict[str, Callable[[str], Any]] | None = None
    ) -> None:
        # No abbreviations: `--learning_rat` must be an error, not a guess.
        super().__init__(
            description=description, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        self.defaults_by_name = defaults
        self.types = types or {}
        self.add_argument("--config", help=f"file of the same keys (default: ./{CONFIG} if there is one)")
        self.add_argument("--debug", action="store_true", help="show the whole traceback of an error")

    def value(self, name: str, text: str) -> None:
        """Add a flag that takes one value."""
        shown = self.defaults_by_name.get(name)
        self.add_argument(f"--{name}", help=text + (f" (default: {shown})" if shown is not None else ""))

    def values(self, name: str, text: str) -> None:
        """Add a flag that takes several values, each whole (never split at commas)."""
        self.add_argument(f"--{name}", nargs="+", help=text)

    def switch(self, name: str, text: str) -> None:
        """Add a flag without a value."""
        self.add_argument(f"--{name}", action="store_true", default=None, help=text)

    def read(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse: flag, then config.yaml, then default.

        Raises:
            TunesmithError: for a value of the wrong kind or an unknown key in config.yaml.
        """
        flags = vars(self.parse_args(argv))
        config = self._read_config(flags["config"])
        merged = {}
        for name, given in flags.items():
            where = f"--{name}" if given is not None else f"{flags['config'] or CONFIG}: {name}"
            value = given if given is not None else config.get(name, self.defaults_by_name.get(name))
            merged[name] = self._convert(name, value, where)
        return argparse.Namespace(**merged)

    def _convert(self, name: str, value: Any, where: str) -> Any:
        kind = self.types.get(name)
        if value is None or kind is None or isinstance(value, list):
            return value
        try:
            return kind(str(value))
        except ValueError as error:
            raise TunesmithError(
                str(error) or f"`{value}` is not a {kind.__name__}", where=where, remedy="See --help."
            ) from error

    def _read_config(self, named: str | None) -> dict[str, Any]:
        path = Path(named or CONFIG)
        if not path.exists():
            if named:
                raise TunesmithError("there is no such config file", where=named, remedy="Check the path.")
            return {}
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise TunesmithError(
                f"this is not YAML ({str(error).splitlines()[0]})", where=str(path), remedy="Correct it."
            ) from error
        if content is None:
            return {}
        if not isinstance(content, dict):
            raise TunesmithError(
                "the file must be a list of `key: value` lines", where=str(path), remedy="See --help for the keys."
            )
        return content

    def check_config_keys(self, argv_namespace: argparse.Namespace, known: set[str]) -> None:
        """Refuse keys in config.yaml that no command of this folder knows.

        Raises:
            TunesmithError: naming the nearest known key.
        """
        for key in self._read_config(argv_namespace.config):
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"Did you mean `{close[0]}`?" if close else f"Known keys: {', '.join(sorted(known))}."
                raise TunesmithError(f"unknown key `{key}`", where=argv_namespace.config or CONFIG, remedy=hint)


def positive(text: str) -> float:
    """A number above zero."""
    number = float(text)
    if not number > 0 or number == float("inf"):
        raise ValueError(f"{text} is not a positive number")
    return number


def count(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is not a positive whole number")
    return number


def zero_or_more(text: str) -> float:
    """A number of at least zero."""
    number = float(text)
    if not number >= 0 or number == float("inf"):
        raise ValueError(f"{text} is negative")
    return number


def run_doorway(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Run a doorway; every failure becomes one sentence and a non-zero exit code."""
    caught: BaseException
    try:
        return main(argv)
    except TunesmithError as error:
        code, sentence, caught = getattr(error, "exit_code", 1), str(error), error
    except OSError as error:
        code, sentence, caught = 1, str(explain_os_error(error, Path(error.filename or "."))), error
    except KeyboardInterrupt as error:
        code, sentence, caught = 130, "stopped; what was saved stays", error
    if "--debug" in (argv if argv is not None else sys.argv):
        traceback.print_exception(caught)
    sys.stderr.write(f"error: {sentence}\n")
    return code
