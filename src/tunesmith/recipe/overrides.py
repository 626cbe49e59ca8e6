"""Any key of a recipe from the command line: ``train.learning_rate=5e-5``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tunesmith.recipe.errors import COMMAND_LINE, Path, Problem, RecipeError
from tunesmith.recipe.tree import Tree, parse_value
from tunesmith.texts import msg


def parse_overrides(overrides: Sequence[str]) -> Tree:
    """Read ``key.path=value`` texts; values are YAML (``[a, b]``, ``true``, ``"quoted: text"``), the last one wins.

    Raises:
        RecipeError: every text that is not one. Whether a key exists is checked with the whole recipe.
    """
    tree = Tree()
    problems: list[Problem] = []
    for text in overrides:
        key, equals, value = text.partition("=")
        path: Path = tuple(key.strip().split("."))
        if not equals or not all(re.fullmatch(r"\w+", str(part)) for part in path):
            sentence = msg("`{text}` is not an override; write key=value, as in train.learning_rate=5e-5", text=text)
            problems.append(Problem(COMMAND_LINE, "", sentence))
            continue
        try:
            plain = parse_value(value, COMMAND_LINE, key.strip())
        except RecipeError as error:
            problems += error.problems
            continue
        tree = tree.merge(Tree(_nested(path, plain), {path: COMMAND_LINE}))
    if problems:
        raise RecipeError(problems)
    return tree


def override(key: str, value: Any) -> str:
    """The override text that sets ``key`` to ``value``, whatever characters it holds."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        value = list(value)
    return f"{key}={json.dumps(value, ensure_ascii=False)}"


def _nested(path: Path, value: Any) -> dict[str, Any]:
    nested = {str(path[-1]): value}
    for part in reversed(path[:-1]):
        nested = {str(part): nested}
    return nested
