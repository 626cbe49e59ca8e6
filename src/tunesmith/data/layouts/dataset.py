"""What every layout reader returns, and the entries it is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import Message


@dataclass(frozen=True)
class Dataset:
    """A dataset as it lies on disk.

    Attributes:
        samples: What can be looked at further; ids are paths relative to the folder.
        problems: What is wrong with entries of the layout itself; clips with an error are not among the samples.
        name: Which layout it is.
        notes: What was decided on the way.
        caption_files: By clip, the file beside it that holds its caption, or would; none where a list or a record does.
    """

    samples: list[Sample]
    problems: list[Finding]
    name: str
    notes: list[Message] = field(default_factory=list)
    caption_files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class LayoutOptions:
    """What the user may say about a folder.

    Attributes:
        default_text: Caption of clips that have none.
        metadata_file: Name of the metadata list, inside the folder.
        valid_file: A second list of speech pairs, to hold out.
    """

    default_text: str | None = None
    metadata_file: str = "metadata.json"
    valid_file: str = ""


@dataclass(frozen=True)
class Entry:
    """One clip as a layout lists it.

    Attributes:
        path: Path relative to the dataset's folder.
        texts: Texts by role.
        attributes: Whatever else was said about it.
        where: ``file:line`` that lists it, for sentences about it.
        audio: Where its file lies, if not at ``path`` in the dataset's folder.
    """

    path: PurePosixPath
    texts: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    audio: Path | None = None
