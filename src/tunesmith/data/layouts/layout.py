"""What a dataset layout is, to everything that is not its own file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.moves import Moves

Relist = Callable[[Path, LayoutOptions, Moves], dict[PurePosixPath, bytes]]
"""The lists of a dataset that read otherwise in a copy of it, by their path in the copy."""


@dataclass(frozen=True)
class Layout:
    """A dataset layout: a file of this folder makes one and calls it ``LAYOUT``, and with that it is known everywhere.

    Attributes:
        name: In recipes (``data.layout``) and reports.
        order: Layouts are tried in this order, the most explicit first; the last one takes any folder.
        detect: Whether a folder (or, of a layout with ``lists``, a file) has this layout.
        read: Its samples and problems.
        lists: A list may be named in place of its folder, and a second one to hold out; the audio may lie anywhere.
        speech: Its samples are speech with a prompt, which nothing but a speech model learns from.
        own_texts: Every text is the dataset's own; what ``tunesmith label`` found is not added to it.
        own_sources: It says itself which samples were cut from one recording.
        relist: Its lists for a copy with moved clips; ``None`` where nothing but names says what belongs together.
    """

    name: str
    order: int
    detect: Callable[[Path, LayoutOptions], bool]
    read: Callable[[Path, LayoutOptions], Dataset]
    lists: bool = False
    speech: bool = False
    own_texts: bool = False
    own_sources: bool = False
    relist: Relist | None = None
