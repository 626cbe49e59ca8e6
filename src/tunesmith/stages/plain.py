"""A folder of clips without a run: read and checked under a recipe's settings, and nothing is written into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.data.checks import CheckReport, run_checks
from tunesmith.data.layouts import Dataset, LayoutOptions, read_layout
from tunesmith.data.remote import is_remote, local_place
from tunesmith.errors import TunesmithError
from tunesmith.recipe.load import build
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.tree import Tree
from tunesmith.run.console import Console
from tunesmith.run.folder import find_run
from tunesmith.speech.tools import SpeechTools
from tunesmith.stages.check import log_found
from tunesmith.stages.look import guessed_text
from tunesmith.stages.plain_speech import Kind, kind_of, speaking_family
from tunesmith.stages.remote_clips import bring
from tunesmith.stages.survey import speech_checks
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class PlainFolder:
    """Clips as they were read, and what they are to be checked with.

    Attributes:
        recipe: Its sections ``data``, ``checks`` and ``options`` count.
        dataset: The clips.
        kind: Whether they are music or speech.
    """

    recipe: Recipe
    dataset: Dataset
    kind: Kind

    @property
    def tools(self) -> SpeechTools:
        """What speech is measured with."""
        options = self.recipe.options
        return SpeechTools(whisper=options.get("whisper") or None, language=options.get("language") or None)


@dataclass(frozen=True)
class CheckedFolder:
    """A dataset and what the checks say of it.

    Attributes:
        folder: Where it lies; a list of speech pairs may be named itself.
        recipe: The settings that it was read and checked with.
        dataset: As it was read.
        report: What was found.
        notes: What was decided before the checks.
    """

    folder: Path
    recipe: Recipe
    dataset: Dataset
    report: CheckReport
    notes: Sequence[Message] = ()

    @property
    def options(self) -> LayoutOptions:
        """How it was read."""
        data = self.recipe.data
        return LayoutOptions(data.default_text, data.metadata_file, data.valid_file)


def plain_folder(target: str, console: Console) -> Path | str | None:
    """The folder of clips, or the list of speech pairs, that a user means; ``None`` where it is a run or a recipe.

    An address stays one, and what lies there is copied.
    """
    if is_remote(target):
        bring(target, console)
        return target
    path = Path(target).expanduser()
    is_list = path.suffix.lower() == ".jsonl" and path.is_file()
    if not path.is_dir() and not is_list:
        return None
    try:
        find_run(target)
    except TunesmithError:
        return path
    return None


def open_folder(folder: Path | str, overrides: Sequence[str]) -> PlainFolder:
    """The settings for a folder without a run, which are the defaults and keys of the command line, and its clips.

    Speech gets the settings of the family that speaks, and its checks. Clips of music without a caption get the
    folder's name for one, as `tunesmith new` does it.

    Raises:
        TunesmithError: for a key that does not exist or a value that it does not take, or an unreadable folder.
    """
    tree = Tree({"data": {"folder": str(folder)}})
    first = build(tree, [key for key in overrides if not key.startswith("options.")])  # whose options, nobody knows yet
    dataset = read_folder(first.recipe)
    chosen = not first.asked.isdisjoint({"model.family", "model.path"})
    kind = kind_of(dataset, first.recipe, chosen=chosen)
    if kind.is_speech and not chosen:
        tree = tree.merge(Tree({"model": {"family": speaking_family()}}))
    recipe = build(tree, overrides).recipe
    if not kind.transcripts and recipe.data.default_text is None:
        guess = guessed_text(local_place(str(folder)).resolve(), dataset)
        if guess is not None:
            recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"default_text": guess})})
            dataset = read_folder(recipe)
    return PlainFolder(recipe, dataset, kind)


def clips_of_run(recipe: Recipe) -> PlainFolder:
    """The clips of a run, to be checked under its settings.

    Raises:
        TunesmithError: when they cannot be read.
    """
    dataset = read_folder(recipe)
    return PlainFolder(recipe, dataset, kind_of(dataset, recipe, chosen=True))


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
    return read_layout(data.place, data.layout, data.default_text, data.metadata_file, data.valid_file)


def check_folder(clips: PlainFolder, console: Console, facts: Path | None = None) -> CheckedFolder:
    """Check clips without a model.

    Args:
        clips: The clips and the settings.
        console: Draws the progress.
        facts: Where measurements are kept; nowhere when ``None``.
    """
    recipe, dataset = clips.recipe, clips.dataset
    spoken = None if facts is None else facts.with_name(f"{facts.stem}.spoken{facts.suffix}")
    with console.progress(msg("check"), len(dataset.samples)) as advance:
        report = run_checks(
            dataset.samples,
            recipe.checks,
            fingerprint=recipe.data.fingerprint,
            overrule=recipe.data.overrule,
            workers=recipe.data.workers,
            progress=advance,
            facts_path=facts,
            problems=dataset.problems,
            transcripts=clips.kind.transcripts,
            more=speech_checks(clips.tools, spoken, recipe.data.workers) if clips.kind.is_speech else (),
        )
    return CheckedFolder(recipe.data.place, recipe, dataset, report, clips.kind.notes)


def log_checked(console: Console, checked: CheckedFolder, whole: Message) -> None:
    """Print what was found in a folder, and how much of it can be used.

    Args:
        console: Where to.
        checked: What was found.
        whole: Where every finding is.
    """
    report = checked.report
    log_found(console, report.findings, (*checked.dataset.notes, *checked.notes, *report.notes), whole)
    console.log(
        msg(
            "{kept} clips usable ({minutes:.1f} min); {quarantined} not (layout: {layout})",
            kept=len(report.kept),
            minutes=report.kept_seconds / 60,
            quarantined=len(report.quarantined),
            layout=checked.dataset.name,
        )
    )
