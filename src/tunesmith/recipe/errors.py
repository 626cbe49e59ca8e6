"""Every mistake in a recipe at once, each as ``file:line: key.path: sentence; did you mean …``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tunesmith.errors import TunesmithError
from tunesmith.records.record import validation_message
from tunesmith.texts import Message, as_message, in_lines, msg

Path = tuple[str | int, ...]
"""A key's place in a recipe: ``("train", "learning_rate")``."""
COMMAND_LINE = "command line"
"""Where a key was given that is in no file."""

_NAMED = 50
"""How many problems are named; a file with more of them is hardly a recipe at all."""
_LIST = msg("a list, `[a, b]` or one `- item` per line")
_SECTION = msg("a section of `key: value` lines")
_WANTED = {
    "int": msg("a whole number"),
    "float": msg("a number"),
    "finite_number": msg("a finite number"),
    "bool": msg("`true` or `false`"),
    "string": msg("text (put it in quotes)"),
    "tuple": _LIST,
    "list": _LIST,
    "dict": _SECTION,
    "model": _SECTION,
}


@dataclass(frozen=True)
class Problem:
    """One mistake: where (``file:line`` or ``command line``), at which key, and what."""

    where: str
    key: str
    sentence: str | Message

    @property
    def message(self) -> Message:
        """``where: key: sentence``, without the parts that are empty."""
        where = msg("command line") if self.where == COMMAND_LINE else self.where
        said = msg("{where}: {said}", where=self.key, said=self.sentence) if self.key else as_message(self.sentence)
        return msg("{where}: {said}", where=where, said=said) if where else said

    def __str__(self) -> str:
        return str(self.message)


class RecipeError(TunesmithError):
    """A recipe that cannot be used; names every problem, so that one reading corrects them all."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=_place))
        found = [problem.message for problem in self.problems[:_NAMED]]
        title = msg("the recipe has {count} problems", count=len(self.problems))
        if len(self.problems) > _NAMED:
            title = msg("the recipe has {count} problems, of which these are the first", count=len(self.problems))
        super().__init__(found[0] if len(found) == 1 else in_lines([title, *found]))


def _place(problem: Problem) -> tuple[str, int]:
    name, _, line = problem.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (problem.where, 0)


def key_of(path: Path) -> str:
    """A key's path as its user writes it: ``data.overrule[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def section_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys known in the section at ``path``; none when there is no such section."""
    for part in path:
        field = model.model_fields.get(str(part))
        kind = field.annotation if field else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return list(model.model_fields)


def unknown_key(model: type[BaseModel], path: Path, extra: Sequence[str] = (), prefix: Path = ()) -> Message:
    """The sentence about an unknown key, with the nearest key of its section, else of the whole recipe.

    Args:
        model: The recipe's model, or that of a family's settings.
        path: The unknown key's path in it.
        extra: Keys that are allowed beside the model's (``preset``), for a key that is near to one of them.
        prefix: Path of ``model`` inside the recipe.
    """
    if difflib.get_close_matches(key_of(path), extra, 1):
        path = (key_of(path),)
    else:
        extra = ()
    siblings = [*section_keys(model, path[:-1]), *extra]
    everywhere = {
        key: (section, key) for section in model.model_fields for key in reversed(section_keys(model, (section,)))
    }
    nearest: Path | None = None
    if close := difflib.get_close_matches(str(path[-1]), siblings, 1):
        nearest = (*path[:-1], close[0])
    elif close := difflib.get_close_matches(str(path[-1]), everywhere, 1):
        nearest = everywhere[close[0]]
    if nearest:
        return msg("unknown key; did you mean `{key}`?", key=key_of((*prefix, *nearest)))
    return msg("unknown key; known here: {keys}", keys=tuple(siblings)) if siblings else msg("unknown key")


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    where: Callable[[Path], str],
    prefix: Path = (),
    extra: Sequence[str] = (),
) -> list[Problem]:
    """Pydantic's errors as problems that a musician can act on.

    Args:
        error: What pydantic raised.
        model: The model that was validated.
        where: Finds ``file:line`` (or ``command line``) of a key.
        prefix: Path of ``model`` inside the recipe (``("options",)`` for a family's settings).
        extra: Keys that are allowed at the top beside the model's (``preset``).
    """
    problems = []
    for detail in error.errors(include_url=False):
        path, said = tuple(detail["loc"]), validation_message(detail)
        # A rule across keys begins its sentence with the key that it is about.
        if not path and (named := re.match(r"([a-z_]+)\.([a-z_]+) ", str(said))):
            problems.append(Problem(where(named.groups()), "", said))
            continue
        unknown = detail["type"] == "extra_forbidden"
        if unknown and len(problems) < _NAMED:
            sentence = unknown_key(model, path, extra, prefix)
        else:
            sentence = msg("unknown key") if unknown else _sentence(detail)
        problems.append(Problem(where(prefix + path), key_of(prefix + path), sentence))
    return problems


def _sentence(detail: Mapping[str, Any]) -> Message:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "literal_error":
        return _choice(value, str(context["expected"]))
    if kind in ("too_long", "too_short"):
        count = context.get("max_length", context.get("min_length"))
        return msg("must have {count} entries, not {given}", count=count, given=context.get("actual_length"))
    if kind == "missing":
        return msg("an entry is missing here")
    if wanted := _bound(kind, context) or _WANTED.get(kind) or _WANTED.get(kind.split("_")[0]):
        return msg("must be {wanted}, not {given}", wanted=wanted, given=_shown(value))
    return validation_message(detail)


def _bound(kind: str, context: Mapping[str, Any]) -> Message | None:
    match kind:
        case "greater_than":
            return msg("greater than {limit:g}", limit=context["gt"])
        case "greater_than_equal":
            return msg("at least {limit:g}", limit=context["ge"])
        case "less_than":
            return msg("less than {limit:g}", limit=context["lt"])
        case "less_than_equal":
            return msg("at most {limit:g}", limit=context["le"])
    return None


def _choice(value: Any, expected: str) -> Message:
    choices = tuple(re.findall(r"'([^']*)'", expected))
    given = _shown(value)
    if close := difflib.get_close_matches(str(value), choices, 1):
        return msg(
            "must be one of {choices}, not {given}; did you mean `{nearest}`?",
            choices=choices,
            given=given,
            nearest=close[0],
        )
    return msg("must be one of {choices}, not {given}", choices=choices, given=given)


def _shown(value: Any) -> str | Message:
    match value:
        case None:
            return msg("empty")
        case bool():
            return f"`{str(value).lower()}`"
        case dict():
            return msg("a section")
        case list() | tuple():
            return msg("a list")
    text = str(value)
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"
