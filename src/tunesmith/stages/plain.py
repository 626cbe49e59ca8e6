"""A folder of clips without a run: read and checked under a recipe's settings, and nothing is written into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.data.checks import CheckReport, run_checks
from tunesmith.data.layouts import Dataset, LayoutOptions, layout_named, read_layout
from tunesmith.errors import TunesmithError
from tunesmith.recipe.load import build
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.tree import Tree
from tunesmith.run.console import Console
from tunesmith.run.folder import find_run
from tunesmith.stages.check import log_found
from tunesmith.stages.look import guessed_text
from tunesmith.texts import msg


@dataclass(frozen=True)
class CheckedFolder:
    """A dataset and what the checks say of it.

    Attributes:
        folder: Where it lies; a list of speech pairs may be named itself.
        recipe: The settings that it was read and checked with.
        dataset: As it was read.
        report: What was found.
    """

    folder: Path
    recipe: Recipe
    dataset: Dataset
    report: CheckReport

    @property
    def options(self) -> LayoutOptions:
        """How it was read."""
        data = self.recipe.data
        return LayoutOptions(data.default_text, data.metadata_file, data.valid_file)


def plain_folder(target: str) -> Path | None:
    """The folder of clips, or the list of speech pairs, that a user means; ``None`` where it is a run or a recipe."""
    path = Path(target).expanduser()
    is_list = path.suffix.lower() == ".jsonl" and path.is_file()
    if not path.is_dir() and not is_list:
        return None
    try:
        find_run(target)
    except TunesmithError:
        return path
    return None


def open_folder(folder: Path, overrides: Sequence[str]) -> tuple[Recipe, Dataset]:
    """The settings for a folder without a run, which are the defaults and keys of the command line, and its clips.

    Clips without a caption get the folder's name for one, as `tunesmith new` does it.

    Raises:
        TunesmithError: for a key that does not exist or a value that it does not take, or an unreadable folder.
    """
    recipe = build(Tree({"data": {"folder": str(folder)}}), overrides).recipe
    dataset = read_folder(recipe)
    if layout_named(dataset.name).speech or recipe.data.default_text is not None:
        return recipe, dataset
    guess = guessed_text(folder.resolve(), dataset)
    if guess is None:
        return recipe, dataset
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"default_text": guess})})
    return recipe, read_folder(recipe)


def read_folder(recipe: Recipe) -> Dataset:
    """Read the clips of a recipe.

    Raises:
        TunesmithError: when none are named, or the folder cannot be read.
    """
    data = recipe.data
    if not data.folder:
        raise TunesmithError(
            msg("no folder of audio is named"), where="data.folder", remedy=msg("Set it in the recipe.")
        )
    return read_layout(Path(data.folder), data.layout, data.default_text, data.metadata_file, data.valid_file)


def check_folder(recipe: Recipe, dataset: Dataset, console: Console, facts: Path | None = None) -> CheckedFolder:
    """Check the clips of a recipe, without its model.

    Args:
        recipe: Its sections ``data`` and ``checks`` count.
        dataset: Its clips as they were read.
        console: Draws the progress.
        facts: Where measurements are kept; nowhere when ``None``.
    """
    data = recipe.data
    with console.progress(msg("check"), len(dataset.samples)) as advance:
        report = run_checks(
            dataset.samples,
            recipe.checks,
            fingerprint=data.fingerprint,
            overrule=data.overrule,
            progress=advance,
            facts_path=facts,
            problems=dataset.problems,
            transcripts=layout_named(dataset.name).speech,
        )
    return CheckedFolder(Path(data.folder), recipe, dataset, report)


def log_checked(console: Console, checked: CheckedFolder) -> None:
    """Print what was found in a folder, and how much of it can be used."""
    report = checked.report
    log_found(console, report.findings, (*checked.dataset.notes, *report.notes))
    console.log(
        msg(
            "{kept} clips usable ({minutes:.1f} min); {quarantined} not (layout: {layout})",
            kept=len(report.kept),
            minutes=report.kept_seconds / 60,
            quarantined=len(report.quarantined),
            layout=checked.dataset.name,
        )
    )
