"""YAML as plain values with the line of every key: no tags, no aliases, no duplicate keys, no surprises.

Scalars follow YAML 1.2 (as editors and JSON do), because PyYAML's 1.1 reads ``1e-4`` as text, ``off`` as false and
``1:30`` as ninety.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from tunesmith.recipe.errors import Path, Problem, RecipeError, key_of
from tunesmith.texts import Message, msg

_INT = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DEEPEST = 20
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)


@dataclass
class Tree:
    """Nested plain values, and where each key was given (``file:line``, ``preset NAME``, ``command line``)."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)

    def where(self, path: Path) -> str:
        """Where ``path`` was given, else the first key inside it, else its nearest parent, else the file."""
        if path and path not in self.origins:
            inside = (where for key, where in self.origins.items() if key[: len(path)] == path)
            if first := next(inside, None):
                return first
        for length in range(len(path), -1, -1):
            if found := self.origins.get(tuple(path[:length])):
                return found
        return ""

    def merge(self, other: Tree) -> Tree:
        """A new tree in which ``other`` wins; sections are merged key by key, lists are replaced whole."""
        replaced = {path for path in other.origins if path and not isinstance(other.get(*path), dict)}
        kept = {
            path: where
            for path, where in self.origins.items()
            if not any(path[:length] in replaced for length in range(1, len(path)))
        }
        return Tree(_merged(self.values, other.values), {**kept, **other.origins})

    def get(self, *path: str | int) -> Any:
        """The value at ``path`` (sections only), or ``None``."""
        value: Any = self.values
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value


def _merged(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    result = dict(low)
    for key, value in high.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def parse_tree(text: str, name: str) -> Tree:
    """Read a YAML mapping.

    Args:
        text: The YAML text.
        name: What to call it in ``where`` (a path, ``preset careful``).

    Raises:
        RecipeError: every duplicate key, tag, alias, or the syntax error, with its line.
    """
    node = compose(text, name)
    if node is None:
        raise RecipeError([Problem(name, "", msg("this recipe is empty; write one with `tunesmith new`"))])
    if not isinstance(node, yaml.MappingNode):
        sentence = msg("a recipe is `key: value` lines (a mapping), this file is not")
        raise RecipeError([Problem(f"{name}:1", "", sentence)])
    reader = _Reader(name)
    reader.origins[()] = name
    values = reader.plain(node, ())
    if reader.problems:
        raise RecipeError(reader.problems)
    return Tree(values, reader.origins)


def parse_value(text: str, where: str, key: str) -> Any:
    """Read one YAML value, as on the command line (``5e-5``, ``[a, b]``, ``"text"``).

    Raises:
        RecipeError: when it is not one.
    """
    try:
        node = compose(text, where)
        reader = _Reader(where)
        value = None if node is None else reader.plain(node, ())
    except RecipeError as error:
        raise RecipeError([Problem(where, key, problem.sentence) for problem in error.problems]) from error
    if reader.problems:
        raise RecipeError([Problem(where, key, problem.sentence) for problem in reader.problems])
    return value


def compose(text: str, name: str) -> yaml.Node | None:
    """PyYAML's node tree, after refusing whatever could build objects or blow up.

    Raises:
        RecipeError: on tags, aliases, several documents, too deep nesting or a syntax error, with its line.
    """
    problems: list[Problem] = []
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            where = f"{name}:{event.start_mark.line + 1 if event.start_mark else 1}"
            if depth > _DEEPEST:
                raise RecipeError([Problem(where, "", msg("this file is nested too deeply to be a recipe"))])
            if isinstance(event, yaml.AliasEvent):
                sentence = msg("aliases (`*{anchor}`) are not used in recipes", anchor=event.anchor)
                problems.append(Problem(where, "", sentence))
            elif (tag := getattr(event, "tag", None)) is not None:
                sentence = msg("YAML tags (`{tag}`) are refused; write plain values", tag=tag)
                problems.append(Problem(where, "", sentence))
        if problems:
            raise RecipeError(problems)
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise RecipeError([_syntax(error, text, name)]) from error


def _syntax(error: yaml.YAMLError, text: str, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line if mark else text.count("\n", 0, getattr(error, "position", 0))  # of a character that may not be
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    if "'\\t'" in reason:
        sentence = msg("a tab is used for indentation; use spaces")
    elif "another document" in reason:
        sentence = msg("one recipe per file; remove the second `---`")
    elif "mapping values are not allowed" in reason:
        sentence = msg("this line does not fit the indentation above it, or a value with a colon needs quotes")
    else:
        sentence = msg("this is not YAML ({reason})", reason=reason)
    return Problem(f"{name}:{line + 1}", "", sentence)


def plain_scalar(text: str) -> str | int | float | bool | None:
    """What an unquoted YAML 1.2 scalar means; numbers too large for a float are infinite."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _INT.fullmatch(text) and len(text) < 400:
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.origins: dict[Path, str] = {}
        self.problems: list[Problem] = []

    def plain(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for number, child in enumerate(node.value):
                self.origins[(*path, number)] = self._at(child)
            return [self.plain(child, (*path, number)) for number, child in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, path, msg("a key must be plain text"))
                continue
            key = key_node.value
            here = (*path, key)
            if key in result:
                first = self.origins[here].rpartition(":")[2]
                sentence = msg("this key is given twice (first in line {line}); keep one", line=first)
                self._problem(key_node, here, sentence)
                continue
            self.origins[here] = self._at(key_node)
            result[key] = self.plain(value_node, here)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.style is not None:  # quoted, or a block of text
            return node.value
        value = plain_scalar(node.value)
        if isinstance(value, float) and not math.isfinite(value):
            self._problem(node, path, msg("must be a finite number, not `{value}`", value=node.value[:60]))
        return value

    def _at(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"

    def _problem(self, node: yaml.Node, path: Path, sentence: Message) -> None:
        self.problems.append(Problem(self._at(node), key_of(path), sentence))
