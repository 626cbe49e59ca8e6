"""Readers of every dataset layout people already have, one file each."""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from tunesmith.data.characters import clean_text, clean_values, has_unreadable, shown
from tunesmith.data.labels import read_labels
from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.sample import Sample
from tunesmith.data.tags import join_tags
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.texts import any_of, msg

__all__ = [
    "AUTO", "LAYOUTS", "Dataset", "Layout", "LayoutOptions", "detect_layout", "layout_named", "read_layout",
    "refuse_speech",
]  # fmt: skip

AUTO = "auto"
"""In place of a layout's name: look which one it is."""


def _discover() -> tuple[Layout, ...]:
    modules = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    layouts = (module.LAYOUT for module in modules if hasattr(module, "LAYOUT"))
    return tuple(sorted(layouts, key=lambda layout: layout.order))


LAYOUTS = _discover()
"""Of every file here that has one, in the order in which they are tried: the most explicit first."""


def layout_named(name: str) -> Layout:
    """The layout of that name.

    Raises:
        TunesmithError: when there is none.
    """
    found = next((layout for layout in LAYOUTS if layout.name == name), None)
    if found is None:
        names = (AUTO, *(layout.name for layout in LAYOUTS))
        raise TunesmithError(
            msg("there is no layout named {name!r}", name=name), remedy=msg("Choose one of: {names}.", names=names)
        )
    return found


def detect_layout(folder: Path, metadata_file: str | None = None) -> str:
    """Which layout a folder (or a list of speech pairs) has.

    Raises:
        TunesmithError: when there is no such folder, or it cannot be listed.
    """
    folder = _readable(Path(folder))
    options = LayoutOptions(metadata_file=metadata_file or LayoutOptions.metadata_file)
    tried = [layout for layout in LAYOUTS if layout.lists or folder.is_dir()]
    return next(layout.name for layout in tried if layout.detect(folder, options))


def read_layout(
    folder: Path,
    name: str = AUTO,
    default_text: str | None = None,
    metadata_file: str = "metadata.json",
    valid_file: str = "",
) -> Dataset:
    """Read a dataset.

    Args:
        folder: Where it lies; a list of speech pairs (``.jsonl``) may be named itself.
        name: The layout's name, or ``auto`` to look.
        default_text: Caption of clips that have none.
        metadata_file: Name of the metadata list; one that is named and not there is an error.
        valid_file: A second list of speech pairs, to hold out.

    Raises:
        TunesmithError: for a folder that is missing, unreadable or without clips, and for whatever is wrong with the
            layout as a whole. What is wrong with one clip is among the layout's problems instead.
    """
    folder = _readable(Path(folder))
    default_text = None if default_text is None else clean_text(default_text)
    options = LayoutOptions(default_text, metadata_file, valid_file)
    if metadata_file != LayoutOptions.metadata_file and not (folder / metadata_file).is_file():
        raise TunesmithError(
            msg("there is no {file} here", file=metadata_file),
            where=str(folder),
            remedy=msg("Check the file's name."),
        )
    layout = layout_named(detect_layout(folder, metadata_file) if name == AUTO else name)
    if not layout.lists and (folder.is_file() or valid_file):
        raise TunesmithError(
            msg("the layout `{layout}` reads a folder, not a list of speech pairs", layout=layout.name),
            where=str(folder if folder.is_file() else valid_file),
            remedy=msg("Set it to {layouts}.", layouts=any_of([other.name for other in LAYOUTS if other.lists])),
        )
    dataset = _written_down(layout.read(folder, options))
    if not dataset.samples and not dataset.problems:
        raise TunesmithError(
            msg("this folder holds no audio clips"),
            where=str(folder),
            remedy=msg("Put WAV, FLAC, MP3, OGG or Opus files there."),
        )
    return dataset if layout.own_texts else _labelled(dataset, folder, default_text)


def refuse_speech(name: str, where: Path) -> None:
    """Say that speech is nothing for a model of music; every other layout may go on.

    Args:
        name: Of the dataset's layout.
        where: The dataset.

    Raises:
        TunesmithError: for a layout of speech.
    """
    if layout_named(name).speech:
        raise TunesmithError(
            msg("these are speech pairs, and nothing here learns to speak"),
            where=str(where),
            remedy=msg(
                "Train a speech model on them (stepfun-ai/Step-Audio-EditX; pocket/step_audio to try it), or "
                "name a folder of clips."
            ),
        )


def _written_down(dataset: Dataset) -> Dataset:
    """The dataset with names and texts that any file can hold, and a note where a text lost characters by it."""
    samples, changed = [], []
    for sample in dataset.samples:
        texts = {role: clean_text(text) for role, text in sample.texts.items()}
        if any(has_unreadable(text) for text in sample.texts.values()):
            changed.append(shown(sample.id))
        samples.append(
            replace(
                sample,
                id=shown(sample.id),
                source=shown(sample.source),
                texts=texts,
                attributes=clean_values(dict(sample.attributes)),
            )
        )
    notes = list(dataset.notes)
    if changed:
        notes.append(
            msg(
                "{count} clips had control characters or halves of characters in their texts; they were taken out (the "
                "first: {first}).",
                count=len(changed),
                first=changed[0],
            )
        )
    problems = [problem.model_copy(update={"clip": shown(problem.clip)}) for problem in dataset.problems]
    return replace(dataset, samples=samples, problems=problems, notes=notes)


def _labelled(dataset: Dataset, folder: Path, default_text: str | None) -> Dataset:
    """The dataset with what `tunesmith label` found: descriptions, and tags of clips without a caption of their own."""
    labels = read_labels(folder)
    if not labels:
        return dataset

    def merged(sample: Sample) -> Sample:
        label = labels.get(sample.id)
        if label is None or label.status != "ok":
            return sample
        texts, attributes = dict(sample.texts), dict(sample.attributes)
        if label.tags and texts.get("caption", "").strip() in ("", default_text):
            texts["caption"] = join_tags(label.tags)
        if label.recaption and "recaption" not in attributes:
            attributes["recaption"] = {k: v for k, v in label.recaption.items() if isinstance(v, str)}
            attributes.setdefault("lyrical_rap_check", label.recaption.get("lyrical_rap_check"))
        return replace(sample, texts=texts, attributes=attributes)

    return replace(dataset, samples=[merged(sample) for sample in dataset.samples])


def _readable(folder: Path) -> Path:
    if not folder.exists():
        raise TunesmithError(msg("there is no such folder"), where=str(folder), remedy=msg("Check the path."))
    if folder.suffix.lower() == ".jsonl" and folder.is_file():
        return folder
    if not folder.is_dir():
        raise TunesmithError(
            msg("this is a file, not a folder"),
            where=str(folder),
            remedy=msg("Name the folder that holds it, or a .jsonl list of speech pairs."),
        )
    try:
        next(iter(folder.iterdir()), None)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return folder
