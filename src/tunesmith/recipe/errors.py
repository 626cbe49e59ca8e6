"""Every mistake in a recipe at once, each as ``file:line: key.path: sentence; did you mean …``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tunesmith.errors import TunesmithError

Path = tuple[str | int, ...]
"""A key's place in a recipe: ``("train", "learning_rate")``."""

_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "`true` or `false`",
    "string": "text (put it in quotes)",
    "tuple": "a list, `[a, b]` or one `- item` per line",
    "list": "a list, `[a, b]` or one `- item` per line",
    "dict": "a section of `key: value` lines",
    "model": "a section of `key: value` lines",
}


@dataclass(frozen=True)
class Problem:
    """One mistake: where (``file:line`` or ``command line``), at which key, and what."""

    where: str
    key: str
    sentence: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.sentence) if part)


class RecipeError(TunesmithError):
    """A recipe that cannot be used; names every problem, so that one reading corrects them all."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=_place))
        lines = [str(problem) for problem in self.problems]
        super().__init__(
            lines[0] if len(lines) == 1 else "\n  ".join([f"the recipe has {len(lines)} problems", *lines])
        )


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


def suggest(model: type[BaseModel], path: Path, extra: Iterable[str] = ()) -> str:
    """The end of an unknown-key sentence: the nearest key of that section, else of the whole recipe.

    Args:
        model: The recipe's model.
        path: The unknown key's path.
        extra: Keys that are allowed beside the model's (``preset``).
    """
    leaf = str(path[-1])
    siblings = [*section_keys(model, path[:-1]), *extra]
    prefix = key_of(path[:-1])
    if close := difflib.get_close_matches(leaf, siblings, 1):
        return f"; did you mean `{f'{prefix}.{close[0]}' if prefix else close[0]}`?"
    everywhere = {
        key: f"{section}.{key}" for section in model.model_fields for key in reversed(section_keys(model, (section,)))
    }
    if close := difflib.get_close_matches(leaf, everywhere, 1):
        return f"; did you mean `{everywhere[close[0]]}`?"
    return f"; known here: {', '.join(siblings)}" if siblings else ""


def problems_of(
    error: ValidationError, model: type[BaseModel], where: Callable[[Path], str], prefix: Path = ()
) -> list[Problem]:
    """Pydantic's errors as problems that a musician can act on.

    Args:
        error: What pydantic raised.
        model: The model that was validated.
        where: Finds ``file:line`` (or ``command line``) of a key.
        prefix: Path of ``model`` inside the recipe (``("options",)`` for a family's settings).
    """
    found = []
    for one in error.errors(include_url=False):
        path = tuple(one["loc"])
        if not path and (named := re.match(r"(?:Value error, )?([a-z_]+)\.([a-z_]+) ", one["msg"])):
            found.append(Problem(where(named.groups()), "", one["msg"].removeprefix("Value error, ")))
            continue
        hint = suggest(model, path) if one["type"] == "extra_forbidden" else ""
        if hint and prefix:
            hint = hint.replace("mean `", f"mean `{key_of(prefix)}.")
        sentence = "unknown key" + hint if one["type"] == "extra_forbidden" else _sentence(one)
        found.append(Problem(where(prefix + path), key_of(prefix + path), sentence))
    return found


def _sentence(error: Mapping[str, Any]) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "literal_error":
        return _choice(value, str(context["expected"]))
    if kind in ("too_long", "too_short"):
        wanted = context.get("max_length", context.get("min_length"))
        return f"must have {wanted} entries, not {context.get('actual_length')}"
    if kind == "missing":
        return "an entry is missing here"
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        wanted = f"{words} {context[key]:g}"
    else:
        wanted = _WANTED.get(kind) or _WANTED.get(kind.split("_")[0])
    return f"must be {wanted}, not {_shown(value)}" if wanted else str(error["msg"]).removeprefix("Value error, ")


def _choice(value: Any, expected: str) -> str:
    choices = re.findall(r"'([^']*)'", expected)
    close = difflib.get_close_matches(str(value), choices, 1)
    return f"must be one of {', '.join(choices)}, not {_shown(value)}" + (
        f"; did you mean `{close[0]}`?" if close else ""
    )


def _shown(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case dict():
            return "a section"
        case list() | tuple():
            return "a list"
    text = str(value)
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"
