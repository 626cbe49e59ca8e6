"""Readers of every dataset layout people already have, one file each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from tunesmith.data.labels import join_tags, read_labels
from tunesmith.data.layouts import audiofolder, folder, huggingface, manifest, metadata, pairs, sidecar, trio
from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error

__all__ = ["LAYOUTS", "Layout", "LayoutOptions", "detect_layout", "read_layout"]

LAYOUTS: tuple[ModuleType, ...] = (huggingface, manifest, pairs, metadata, audiofolder, trio, sidecar, folder)
"""In the order in which they are tried: the most explicit first."""


def detect_layout(folder: Path, metadata_file: str | None = None) -> str:
    """Which layout a folder (or a list of speech pairs) has.

    Raises:
        TunesmithError: when there is no such folder, or it cannot be listed.
    """
    folder = _readable(Path(folder))
    if folder.is_file():
        return pairs.NAME
    options = LayoutOptions(metadata_file=metadata_file or LayoutOptions.metadata_file)
    return next(layout.NAME for layout in LAYOUTS if layout.detect(folder, options))


def read_layout(
    folder: Path,
    name: str = "auto",
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
    options = LayoutOptions(default_text, metadata_file, valid_file)
    if metadata_file != LayoutOptions.metadata_file and not metadata.detect(folder, options):
        raise TunesmithError(f"there is no {metadata_file} here", where=str(folder), remedy="Check the file's name.")
    if name == "auto":
        name = detect_layout(folder, metadata_file)
    found = next((layout for layout in LAYOUTS if name == layout.NAME), None)
    if found is None:
        known = ", ".join(layout.NAME for layout in LAYOUTS)
        raise TunesmithError(f"there is no layout named {name!r}", remedy=f"Choose one of: auto, {known}.")
    if name != pairs.NAME and (folder.is_file() or valid_file):
        what = f"the layout `{name}` reads a folder, not a list of speech pairs"
        raise TunesmithError(what, where=str(folder if folder.is_file() else valid_file), remedy="Set it to pairs.")
    layout: Dataset = found.read(folder, options)
    if not layout.samples and not layout.problems:
        raise TunesmithError(
            "this folder holds no audio clips", where=str(folder), remedy="Put WAV, FLAC, MP3, OGG or Opus files there."
        )
    return layout if name == pairs.NAME else _labelled(layout, folder, default_text)


def _labelled(layout: Dataset, folder: Path, default_text: str | None) -> Dataset:
    """The layout with what `tunesmith label` found: descriptions, and tags of clips without a caption of their own."""
    labels = read_labels(folder)
    if not labels:
        return layout

    def merged(sample: Sample) -> Sample:
        label = labels.get(sample.id)
        if label is None or label.status != "ok":
            return sample
        texts, attributes = dict(sample.texts), dict(sample.attributes)
        if label.tags and texts.get("caption", "").strip() in ("", default_text):
            texts["caption"] = join_tags(label.tags)
        if label.recaption and "recaption" not in attributes:
            attributes["recaption"] = {k: v for k, v in label.recaption.items() if isinstance(v, str)}
        return replace(sample, texts=texts, attributes=attributes)

    return replace(layout, samples=[merged(sample) for sample in layout.samples])


def _readable(folder: Path) -> Path:
    if not folder.exists():
        raise TunesmithError("there is no such folder", where=str(folder), remedy="Check the path.")
    if folder.suffix.lower() == ".jsonl" and folder.is_file():
        return folder
    if not folder.is_dir():
        remedy = "Name the folder that holds it, or a .jsonl list of speech pairs."
        raise TunesmithError("this is a file, not a folder", where=str(folder), remedy=remedy)
    try:
        next(iter(folder.iterdir()), None)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return folder
