"""From a YAML file, its preset and the command line to a typed recipe, or to every mistake in it at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tunesmith.data.remote import is_remote
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.recipe.errors import Path as KeyPath
from tunesmith.recipe.errors import Problem, RecipeError, key_of, problems_of
from tunesmith.recipe.lengths import with_asked_lengths
from tunesmith.recipe.models import ModelRecipe, Recipe
from tunesmith.recipe.overrides import parse_overrides
from tunesmith.recipe.presets import preset_text
from tunesmith.recipe.tree import Tree, parse_tree
from tunesmith.texts import msg, with_remedy

if TYPE_CHECKING:
    from tunesmith.families.contract import FamilySettings

PATH_KEYS = (("data", "folder"), ("data", "valid_file"), ("data", "replay"), ("model", "path"))
"""Keys that may name a local folder; relative ones are resolved (see :func:`resolve_paths`)."""


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, where each of its keys was given, and those that the user has set.

    Attributes:
        recipe: The recipe.
        tree: All values with their places, the family's own defaults among them.
        given: Names of the keys that come from the file, its preset or the command line.
        asked: Names of those from the command line.
    """

    recipe: Recipe
    tree: Tree
    given: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in ``path`` with ``overrides`` on top; see :func:`load`."""
    return load(path, overrides).recipe


def load(path: Path, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read a recipe.

    Values come from the command line, else the file, else its ``preset``, else the model's defaults. Relative folders
    in a file are relative to that file; on the command line, to the working directory. A recipe without a ``name``
    is called after its file (``recipe.yaml``: after its folder).

    Args:
        path: A YAML file.
        overrides: ``key.path=value`` texts.

    Raises:
        RecipeError: every problem, as ``file:line: key.path: sentence; did you mean …``.
        TunesmithError: when the file cannot be read.
    """
    tree = parse_tree(read_text(path), str(path))
    resolve_paths(tree, path.resolve().parent)
    if "name" not in tree.values and (name := default_name(path)):
        tree.values["name"] = name
    return build(tree, overrides)


def load_text(text: str, name: str = "recipe", overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Like :func:`load` for a text that is not (yet) a file; relative folders stay as they are."""
    return build(parse_tree(text, name), overrides)


def build(tree: Tree, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Put preset, tree and overrides together and validate them.

    Raises:
        RecipeError: every problem.
    """
    high = parse_overrides(overrides)
    resolve_paths(high, Path.cwd())
    whole = _with_preset(tree.merge(high))
    _empty_sections(whole.values)
    given = frozenset(key_names(whole.values))
    whole = _with_family(whole)
    failure: ValidationError | None = None
    try:
        recipe = Recipe.model_validate(whole.values)
    except ValidationError as error:
        failure = error
    if problems := _problems(failure, whole):
        raise RecipeError(problems) from failure
    asked = frozenset(key_names(high.values))
    loaded = LoadedRecipe(with_asked_lengths(recipe, asked), whole, given, asked)
    validate_options(loaded)
    return loaded


def validate_options(loaded: LoadedRecipe) -> FamilySettings | None:
    """Check ``options:`` against the model family's own settings, when the family can be told.

    Returns:
        The family's settings; ``None`` when there is nothing to check or the family is not known yet (opening the
        model says then what is wrong with it).

    Raises:
        RecipeError: every bad option with its line.
    """
    from tunesmith.families.registry import family_type, recognise

    recipe = loaded.recipe
    if not recipe.options and recipe.model.family is None:
        return None
    try:
        kind = family_type(recipe.model.family or recognise(recipe.model.path))
    except TunesmithError as error:
        if recipe.model.family is None:
            return None
        where = loaded.tree.where(("model", "family"))
        raise RecipeError([Problem(where, "model.family", with_remedy(error.what, error.remedy))]) from error
    try:
        return kind.settings.model_validate(recipe.options)
    except ValidationError as error:
        raise RecipeError(problems_of(error, kind.settings, loaded.tree.where, ("options",))) from error


def read_text(path: Path) -> str:
    """A recipe's text.

    Raises:
        TunesmithError: when the file cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TunesmithError(
            msg("this file is not UTF-8 text"), where=str(path), remedy=msg("Save it as UTF-8.")
        ) from error
    except OSError as error:
        raise explain_os_error(error, path) from error


def resolve_paths(tree: Tree, base: Path) -> None:
    """Make relative local folders absolute, in place: ``~``, a data folder, a model path that is a folder there.

    A model path is a hub id unless it starts with ``.`` or ``~`` or a folder of that name lies in ``base``.
    """
    for section, key in PATH_KEYS:
        value = tree.get(section, key)
        if isinstance(value, str) and value:
            tree.values[section][key] = resolved_path(value, base, always=section == "data")


def resolved_path(value: str, base: Path, *, always: bool) -> str:
    """``value`` as an absolute path when it names a local folder (``always``: it surely does), else as it is."""
    if is_remote(value):
        return value
    local = always or value.startswith(("./", "../", ".\\", "~")) or value in (".", "..")
    try:
        path = base / Path(value).expanduser()
        return str(path.resolve()) if local or path.is_dir() else value
    except (OSError, RuntimeError, ValueError):  # ~nobody, a NUL byte, a name too long: opening it says so
        return value


def default_name(path: Path) -> str | None:
    """What to call a run whose recipe gives no name."""
    from tunesmith.recipe.names import valid_name

    absolute = path.resolve()
    name = absolute.parent.name if absolute.stem in ("recipe", "recipe.resolved") else absolute.stem
    return name if valid_name(name) else None


def key_names(values: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of all keys that have a value."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from key_names(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _with_preset(tree: Tree) -> Tree:
    name = tree.values.pop("preset", None)
    if name is None:
        return tree
    where = tree.where(("preset",))
    if not isinstance(name, str):
        raise RecipeError([Problem(where, "preset", msg("must be the name of a preset; see `tunesmith presets`"))])
    try:
        text = preset_text(name)
    except TunesmithError as error:
        raise RecipeError([Problem(where, "preset", with_remedy(error.what, error.remedy))]) from error
    return parse_tree(text, f"preset {name}").merge(tree)


def _with_family(tree: Tree) -> Tree:
    """The tree over what the model's family prefers to the recipe's own defaults."""
    from tunesmith.families.registry import family_type, recognise

    model = tree.values.get("model")
    named = model if isinstance(model, dict) else {}
    path, family = named.get("path", ModelRecipe().path), named.get("family")
    try:
        kind = family_type(str(family) if family else recognise(str(path)))
    except TunesmithError:  # said where the model itself is looked at
        return tree
    return Tree(copy.deepcopy(dict(kind.recipe_defaults))).merge(tree)


def _empty_sections(values: dict[str, Any]) -> None:
    """``train:`` with every line below commented out means no changes, not an error."""
    for key, field in Recipe.model_fields.items():
        kind = field.annotation
        section = key == "options" or (isinstance(kind, type) and issubclass(kind, BaseModel))
        if section and key in values and values[key] is None:
            values[key] = {}


def _problems(error: ValidationError | None, tree: Tree) -> list[Problem]:
    problems = problems_of(error, Recipe, tree.where, extra=["preset"]) if error else []
    named = {problem.key for problem in problems}
    return problems + [problem for problem in _switches(tree) if problem.key not in named]


def _switches(tree: Tree) -> list[Problem]:
    """``rank: true`` would pass for 1 in pydantic; it is a mistake."""
    found: list[Problem] = []

    def walk(values: dict[str, Any], model: type[BaseModel], path: KeyPath) -> None:
        for key, value in values.items():
            field = model.model_fields.get(key)
            kind = field.annotation if field else bool
            if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
                walk(value, kind, (*path, key))
            elif isinstance(value, bool) and kind is not bool:
                sentence = msg("is not a switch; `{value}` does not fit here", value=str(value).lower())
                found.append(Problem(tree.where((*path, key)), key_of((*path, key)), sentence))

    walk(tree.values, Recipe, ())
    return found
