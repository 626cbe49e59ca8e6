"""What all doorways share: flags over config.yaml over defaults, and errors as one sentence."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from tunesmith.cli.frame import in_readers_words
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.run.device import numpy_on_one_thread
from tunesmith.texts import Message, in_every_language, msg
from tunesmith.training.gate_stop import GateStopError

CONFIG = "config.yaml"
DEBUG = msg("show the whole traceback of an error")


def in_help(text: Message) -> str:
    """What stands beside a flag, in every language; argparse reads a single ``%`` as the beginning of a place."""
    return in_every_language(text, " ").replace("%", "%%")


class SpokenParser(argparse.ArgumentParser):
    """A parser whose own words are in the reader's language."""

    def format_help(self) -> str:
        """The help as it is printed, with argparse's own words in the reader's language."""
        return in_readers_words(super().format_help())

    def format_usage(self) -> str:
        """The usage as it is printed, in the reader's language."""
        return in_readers_words(super().format_usage())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the command; what argparse has against its words is said in the reader's language."""
        super().exit(status, in_readers_words(message) if message else None)


class Parser(SpokenParser):
    """A parser that fills in what the command line leaves open from config.yaml, then from the documented defaults.

    Args:
        name: The command, which is also its own section in config.yaml.
        description: What the command does.
        defaults: Default by flag name.
        types: Converter by flag name; strings by default.
        derive: Turns the keys that all commands share into this command's own values, where one key means different
            things to them (``output_dir``).
    """

    def __init__(
        self,
        name: str,
        description: Message,
        defaults: dict[str, Any],
        types: dict[str, Callable[[str], Any]] | None = None,
        derive: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        # No abbreviations: `--learning_rat` must be an error, not a guess.
        super().__init__(
            description=in_every_language(description),
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.name, self.derive, self.switches = name, derive, {"debug"}
        self.defaults_by_name = defaults
        self.types = types or {}
        config = msg("file of the same keys (default: ./{file} if there is one)", file=CONFIG)
        self.add_argument("--config", help=in_help(config))
        self.add_argument("--debug", action="store_true", help=in_help(DEBUG))

    def value(self, name: str, text: Message) -> None:
        """Add a flag that takes one value."""
        shown = self.defaults_by_name.get(name)
        self.add_argument(f"--{name}", help=in_help(text) + (f" (default: {shown})" if shown is not None else ""))

    def values(self, name: str, text: Message) -> None:
        """Add a flag that takes several values, each whole (never split at commas)."""
        self.add_argument(f"--{name}", nargs="+", help=in_help(text))

    def switch(self, name: str, text: Message) -> None:
        """Add a flag without a value."""
        self.switches.add(name)
        self.add_argument(f"--{name}", action="store_true", default=None, help=in_help(text))

    def overrides(self) -> None:
        """Add ``--gate`` and ``--set``, for what has no flag of its own."""
        add_overrides(self)

    def read(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse: flag, then config.yaml, then default; ``given`` holds the names of the flags that were given.

        Raises:
            TunesmithError: for a value of the wrong kind or an unknown key in config.yaml.
        """
        flags = vars(self.parse_args(argv))
        config = self.from_config(flags["config"])
        merged = {}
        for name, given in flags.items():
            where = f"--{name}" if given is not None else f"{flags['config'] or CONFIG}: {name}"
            value = given if given is not None else config.get(name, self.defaults_by_name.get(name))
            merged[name] = self._convert(name, value, where)
        given = {name for name, value in flags.items() if value not in (None, False)}
        return argparse.Namespace(**merged, given=given)

    def from_config(self, named: str | None) -> dict[str, Any]:
        """Values of config.yaml for this command: the shared keys, then the command's own section."""
        config = self._read_config(named)
        section = config.get(self.name) or {}
        if not isinstance(section, dict):
            where = f"{named or CONFIG}: {self.name}"
            raise TunesmithError(
                msg("this must be a section of `key: value` lines"), where=where, remedy=msg("Indent its keys.")
            )
        return {**self.derive({k: v for k, v in config.items() if not isinstance(v, dict)}), **section}

    def _convert(self, name: str, value: Any, where: str) -> Any:
        if name in self.switches:
            if not isinstance(value, bool | None):
                raise TunesmithError(
                    msg("`{value}` is neither true nor false", value=value),
                    where=where,
                    remedy=msg("Write true or false."),
                )
            return bool(value)
        kind = self.types.get(name)
        if value is None or kind is None or isinstance(value, list):
            return value
        try:
            return kind(str(value))
        except ValueError as error:
            raise TunesmithError(_reason(error), where=where, remedy=msg("See --help.")) from error

    def _read_config(self, named: str | None) -> dict[str, Any]:
        path = Path(named or CONFIG)
        if not path.exists():
            if named:
                raise TunesmithError(msg("there is no such config file"), where=named, remedy=msg("Check the path."))
            return {}
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise explain_os_error(error, path) from error
        except UnicodeDecodeError as error:
            raise TunesmithError(
                msg("this file is not UTF-8 text"), where=str(path), remedy=msg("Save it as UTF-8.")
            ) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # the latter of endless numbers and nesting
            raise TunesmithError(
                msg("this is not YAML ({reason})", reason=str(error).splitlines()[0]),
                where=str(path),
                remedy=msg("Correct it."),
            ) from error
        if content is None:
            return {}
        if not isinstance(content, dict):
            raise TunesmithError(
                msg("the file must be a list of `key: value` lines"),
                where=str(path),
                remedy=msg("See --help for the keys."),
            )
        return content

    def check_config_keys(self, argv_namespace: argparse.Namespace, commands: Mapping[str, set[str]]) -> None:
        """Refuse keys in config.yaml that no command of this folder knows, or that a command's section does not.

        Args:
            argv_namespace: What was read.
            commands: The keys of each command by its name.

        Raises:
            TunesmithError: naming the nearest known key.
        """
        content = self._read_config(argv_namespace.config)
        shared = {key for key in content if not (key in commands and isinstance(content[key], dict))}
        self._refuse_unknown(shared, set().union(*commands.values()), argv_namespace.config or CONFIG)
        for name in content.keys() - shared:
            self._refuse_unknown(content[name], commands[name], f"{argv_namespace.config or CONFIG}: {name}")

    @staticmethod
    def _refuse_unknown(keys: Collection[Any], known: set[str], where: str) -> None:
        for key in keys:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                remedy = (
                    msg("Did you mean `{name}`?", name=close[0])
                    if close
                    else msg("Known keys: {names}.", names=tuple(sorted(known)))
                )
                raise TunesmithError(msg("unknown key `{key}`", key=key), where=where, remedy=remedy)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Add ``--gate NAME=ACTION`` and ``--set KEY=VALUE``, both for several and again and again."""
    gate = msg("a preflight gate that only warns or is off, such as base_loss=warn")
    parser.add_argument("--gate", nargs="+", action="extend", metavar="NAME=ACTION", help=in_help(gate))
    key = msg("any key of the recipe that has no flag here, such as options.tag_orders=4 (tunesmith schema lists them)")
    parser.add_argument("--set", nargs="+", action="extend", metavar="KEY=VALUE", help=in_help(key))


def chosen_overrides(args: argparse.Namespace, own: Mapping[str, str]) -> list[str]:
    """What ``--gate`` and ``--set`` say, as overrides of the recipe.

    Args:
        args: What was read; one value of config.yaml may stand without a list.
        own: The flag, or key of the guide's file, that decides a recipe's key.

    Raises:
        TunesmithError: for a key that is decided by something else.
    """
    gates, settings = ([value] if isinstance(value, str) else value or [] for value in (args.gate, args.set))
    for text in map(str, settings):
        key = text.partition("=")[0].strip()
        if flag := own.get(key):
            raise TunesmithError(
                msg("`{key}` is decided by {flag} here", key=key, flag=flag),
                where=f"--set {text}",
                remedy=msg("Give it there."),
            )
    return [f"gates.{str(text).removeprefix('gates.')}" for text in gates] + [str(text) for text in settings]


def _reason(error: ValueError) -> Message:
    """Why a converter refuses a value: its own sentence, or Python's words."""
    reason = error.args[0] if error.args else ""
    return reason if isinstance(reason, Message) else Message.fixed(str(error))


def positive(text: str) -> float:
    """A number above zero."""
    number = float(text)
    if not number > 0 or number == float("inf"):
        raise ValueError(msg("{value} is not a positive number", value=text))
    return number


def count(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(msg("{value} is not a positive whole number", value=text))
    return number


def zero_or_more(text: str) -> float:
    """A number of at least zero."""
    number = float(text)
    if not number >= 0 or number == float("inf"):
        raise ValueError(msg("{value} is negative", value=text))
    return number


def share(text: str) -> float:
    """A number from zero up to, not including, one."""
    number = zero_or_more(text)
    if number >= 1:
        raise ValueError(msg("{value} is not below 1", value=text))
    return number


def run_doorway(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Run a doorway; every failure becomes one sentence on standard error and a non-zero exit code."""
    from tunesmith.cli.guard import explain

    numpy_on_one_thread()
    debug = "--debug" in (argv if argv is not None else sys.argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Chinese letters gets question marks, not a crash
            stream.reconfigure(errors="replace")
    try:
        code = main(argv)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, GateStopError):
            error.with_flags()
        return explain(error, debug=debug)
    return code
