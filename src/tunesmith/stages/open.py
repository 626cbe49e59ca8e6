"""From what a user typed (a run's name, its folder, or a recipe file) to an open run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.recipe.effects import without_effect
from tunesmith.recipe.lengths import scaled_stages
from tunesmith.recipe.load import PATH_KEYS, load, read_text, resolved_path
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.names import valid_name
from tunesmith.recipe.tree import compose
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder, find_run
from tunesmith.stages.writing import is_main, writing
from tunesmith.texts import Message, msg

RUNS = Path("runs")
"""Where runs are kept, relative to the working directory."""
PREVIOUS = "recipe.previous.yaml"
"""What a run's recipe becomes when a changed one takes its place."""


def open_run(
    target: str,
    overrides: Sequence[str] = (),
    *,
    command: str,
    root: Path | None = None,
    need_recipe: bool = True,
    to_read: bool = False,
) -> RunContext:
    """Open a run, making its folder when ``target`` is a recipe file that has none yet.

    A recipe file outside the run folder is copied into it (relative folders in it become absolute there), so that the
    folder holds everything; a recipe that was there and differs is kept as ``recipe.previous.yaml``.

    Args:
        target: A run's name, a run folder, or the path of a recipe.
        overrides: ``key.path=value`` texts, for this command only.
        command: What the user typed.
        root: Where runs are kept; ``runs`` in the working directory by default.
        need_recipe: Refuse a folder without a recipe; the report can do without.
        to_read: The results go elsewhere, so that a folder which cannot be written to will do.

    Raises:
        TunesmithError: when there is no such run, its recipe is wrong, or its folder cannot be written.
    """
    path, note = Path(target).expanduser(), None
    source: Path | None
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        folder, source, note = _from_file(path, overrides, root or RUNS, command)
    else:
        folder = find_run(str(path), root)
        source = next((file for file in (folder.recipe, folder.resolved) if file.exists()), None)
        if source is None and need_recipe:
            raise TunesmithError(
                msg("this folder has no recipe.yaml"),
                where=str(folder.path),
                remedy=msg("Only `tunesmith report` works on it; `tunesmith new` makes a run with a recipe."),
            )
    loaded = load(source, overrides) if source else None
    recipe = loaded.recipe if loaded else _nameless(folder)
    read_only = to_read and not _can_be_written(folder)
    if not read_only:
        folder.create()
    console = Console(log_file=folder.log if is_main() and not read_only else None, quiet=not is_main())
    if note:
        console.log(note)
    if loaded:
        for line in (*scaled_line(recipe), *without_effect(recipe, sorted(loaded.asked))):
            console.warn(line)
    return RunContext(folder, recipe, console, command, loaded.given if loaded else None, read_only)


def scaled_line(recipe: Recipe) -> list[Message]:
    """What is said where the command line's length is shared by the stages of training."""
    if not (stages := scaled_stages(recipe.train)):
        return []
    length = msg("{epochs} epochs", epochs=recipe.train.epochs)
    if recipe.train.updates is not None:
        length = msg("{updates} updates", updates=recipe.train.updates)
    return [
        msg(
            "the stages of training share {length} in the proportion of their own: {stages}",
            length=length,
            stages=tuple(stages),
        )
    ]


def _can_be_written(folder: RunFolder) -> bool:
    try:
        folder.create()
    except TunesmithError:
        return False
    return True


def _from_file(
    path: Path, overrides: Sequence[str], root: Path, command: str
) -> tuple[RunFolder, Path, Message | None]:
    recipe = load(path, overrides).recipe
    if path.name in ("recipe.yaml", "recipe.resolved.yaml") and path.resolve().parent.parent == root.resolve():
        return RunFolder(path.parent), path, None
    if not valid_name(recipe.name):
        raise TunesmithError(
            msg("`{name}` cannot name a run", name=recipe.name),
            where=str(path),
            remedy=msg("Give the recipe a `name` of letters, digits and . _ -; it names the folder."),
        )
    folder = RunFolder(root / recipe.name)
    with writing(folder, command):
        return folder, folder.recipe, keep_previous(folder, with_absolute_paths(read_text(path), path.resolve().parent))


def keep_previous(folder: RunFolder, text: str) -> Message | None:
    """Make ``text`` the recipe of a run; an earlier one that differs is kept, and the note returned says so."""
    old = read_text(folder.recipe) if folder.recipe.exists() else None
    if old == text:
        return None
    if old is not None:
        write_text(folder.path / PREVIOUS, old)
    write_text(folder.recipe, text)
    kept = str(folder.path / PREVIOUS)
    return msg("this run's recipe has changed; the earlier one is kept as {path}", path=kept) if old else None


def with_absolute_paths(text: str, base: Path) -> str:
    """A recipe's text with its relative folders made absolute and everything else, comments too, as it was."""
    node = compose(text, "recipe")
    edits: list[tuple[int, int, str]] = []
    for section_node, values in getattr(node, "value", []):
        for key_node, value_node in values.value if hasattr(values, "flow_style") else []:
            key = (section_node.value, key_node.value)
            if key in PATH_KEYS and isinstance(value_node.value, str) and value_node.value:
                absolute = resolved_path(value_node.value, base, always=key[0] == "data")
                if absolute != value_node.value:
                    quoted = "'" + absolute.replace("'", "''") + "'"
                    edits.append((value_node.start_mark.index, value_node.end_mark.index, quoted))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _nameless(folder: RunFolder) -> Recipe:
    name = folder.path.resolve().name
    return Recipe(name=name if valid_name(name) else "run")


def free_place(name: str, root: Path, *, force: bool) -> RunFolder:
    """The folder of a new run.

    Raises:
        TunesmithError: for a bad name, or a run that exists unless ``force``.
    """
    if not valid_name(name):
        raise TunesmithError(
            msg("`{name}` cannot name a run", name=name),
            remedy=msg("Use letters, digits and . _ -, starting with a letter or digit."),
        )
    run = RunFolder(root / name)
    if run.recipe.exists() and not force:
        raise TunesmithError(
            msg("there is a run `{name}` already", name=name),
            where=str(run.recipe),
            remedy=msg(
                "Go on with `tunesmith run {name}`, take another name, or replace its recipe with --force.", name=name
            ),
        )
    return run
