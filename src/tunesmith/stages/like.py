"""A new run with the recipe of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.data.remote import is_remote
from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.recipe.load import load_text, read_text
from tunesmith.recipe.schema import write_schema
from tunesmith.recipe.tree import compose
from tunesmith.run.console import Console
from tunesmith.run.folder import RunFolder, find_run
from tunesmith.stages.open import RUNS, free_place, with_absolute_paths
from tunesmith.stages.writing import writing
from tunesmith.texts import msg


def new_like(
    name: str,
    like: str,
    folder: Path | str | None = None,
    *,
    force: bool = False,
    root: Path | None = None,
    console: Console | None = None,
) -> RunFolder:
    """Write ``runs/<name>/recipe.yaml`` with the values and comments of another run's recipe.

    Args:
        name: The new run's name.
        like: The other run, by name or folder.
        folder: Other clips than that run's; an address is text.
        force: Replace the recipe of a run that exists.
        root: Where runs are kept.
        console: Prints what was done.

    Raises:
        TunesmithError: for a bad name, a run that exists, or another run without a recipe.
    """
    console = console or Console()
    run = free_place(name, root or RUNS, force=force)
    other = find_run(like, root)
    source = other.recipe if other.recipe.exists() else other.resolved
    text = with_value(with_absolute_paths(read_text(source), other.path.resolve()), ("name",), name)
    if folder is not None:
        text = with_value(text, ("data", "folder"), _place(folder))
    recipe = load_text(text, str(source)).recipe
    with writing(run, f"tunesmith new {name} --like {like}", console):
        write_schema(run.path, recipe.model.family)
        write_text(run.recipe, text)
    console.log(msg("recipe: {path} (like that of {other})", path=str(run.recipe), other=str(other.path)))
    console.log(msg("next: tunesmith run {run}", run=name if root is None else str(run.path)), style="bold")
    return run


def _place(folder: Path | str) -> str:
    """An address as it is, a folder's whole path."""
    if is_remote(str(folder)):
        return str(folder)
    path = Path(folder).expanduser()
    if not path.exists():
        raise TunesmithError(msg("there is no such folder"), where=str(path), remedy=msg("Check the path."))
    return str(path.resolve())


def with_value(text: str, path: tuple[str, ...], value: str) -> str:
    """A recipe's text with another text at one key, and everything else, comments too, as it was."""
    quoted = "'" + value.replace("'", "''") + "'"
    node: Any = compose(text, "recipe")
    for depth, key in enumerate(path):
        found = next((value for name, value in getattr(node, "value", []) if name.value == key), None)
        if found is None:
            return text + added(path[depth:], quoted) if depth == 0 else text
        node = found
    return text[: node.start_mark.index] + quoted + text[node.end_mark.index :]


def added(path: tuple[str, ...], quoted: str) -> str:
    """The lines of a key that a recipe does not have yet."""
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(path)]
    return "\n" + "\n".join(lines) + f" {quoted}\n"
