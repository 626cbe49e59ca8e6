"""A first look at a folder of clips: what there is and how long, from file headers alone."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class DatasetSummary:
    """What a folder holds.

    Attributes:
        folder: The folder (or list), absolute.
        layout: The layout that was detected.
        seconds: Length of every readable clip, in the layout's order; prompts are no clips.
        unreadable: What is wrong with each file that cannot be opened, or entry that cannot be used.
        captions: Every caption with how often it is used, most used first.
        uncaptioned: Clips without a caption.
        sources: How many tracks the clips come from.
        train: Clips that the layout itself puts into the training part.
        valid: Clips that it holds out.
        channels: How many clips have how many channels.
        notes: Notes and warnings of the layout's reader.
    """

    folder: Path
    layout: str
    seconds: tuple[float, ...]
    unreadable: tuple[Message, ...]
    captions: tuple[tuple[str, int], ...]
    uncaptioned: int
    sources: int
    train: int
    valid: int
    channels: dict[int, int]
    notes: tuple[Message, ...]

    @property
    def total(self) -> float:
        """Seconds of audio in all."""
        return sum(self.seconds)

    def lengths(self) -> Message:
        """Shortest, median and longest clip, and the whole."""
        return msg(
            "{low:.1f} s to {high:.1f} s (median {middle:.1f} s), {minutes:.1f} min in all",
            low=min(self.seconds),
            high=max(self.seconds),
            middle=statistics.median(self.seconds),
            minutes=self.total / 60,
        )

    def held_out(self, share: float, least: int) -> int:
        """How many clips will be held out: the layout's own, else ``share`` of them and at least ``least``."""
        if self.valid:
            return self.valid
        return min(max(least, round(share * len(self.seconds))), len(self.seconds) - 1) if share > 0 else 0


def scan_folder(
    folder: Path,
    *,
    layout: str = "auto",
    metadata_file: str = "metadata.json",
    default_text: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> DatasetSummary:
    """Look at a folder of clips.

    Args:
        folder: The folder of audio, or a list of speech pairs.
        layout: How captions belong to clips; ``auto`` looks.
        metadata_file: Name of the metadata file, for layouts that have one.
        default_text: Caption of clips that have none.
        progress: Called with the number of clips done since the last call.

    Raises:
        TunesmithError: when the folder cannot be read or holds no readable clip.
    """
    from tunesmith.audio.decode import probe
    from tunesmith.data.layouts import read_layout
    from tunesmith.data.sample import PROMPT_TEXT

    path = folder.expanduser().resolve()
    found = read_layout(path, layout, default_text=default_text, metadata_file=metadata_file)
    seconds: list[float] = []
    problems = [problem.message for problem in found.problems if problem.level == "error"]
    channels: Counter[int] = Counter()
    for sample in found.samples:
        if not sample.targets:
            seconds.append(sample.seconds)
        for audio in sample.targets.values():
            try:
                info = probe(audio.path)
            except TunesmithError as error:
                problems.append(error.message)
                continue
            end = info.seconds if audio.end is None else min(audio.end, info.seconds)
            seconds.append(max(0.0, end - audio.start))
            channels[info.channels] += 1
        if progress:
            progress(1)
    if not seconds:
        raise TunesmithError(
            msg("this folder holds no clip that can be read; the first problem: {problem}", problem=problems[0])
            if problems
            else msg("this folder holds no clip that can be read"),
            where=str(path),
            remedy=msg("Name the folder that holds your WAV, FLAC, MP3, OGG or Opus files."),
        )
    others = (PROMPT_TEXT, "lyrics")
    texts = [[text for role, text in s.texts.items() if role not in others and text.strip()] for s in found.samples]
    captions = Counter(text for of_sample in texts for text in of_sample)
    return DatasetSummary(
        folder=path,
        layout=found.name,
        seconds=tuple(seconds),
        unreadable=tuple(problems),
        captions=tuple(captions.most_common()),
        uncaptioned=sum(not of_sample for of_sample in texts),
        sources=len({sample.source or sample.id for sample in found.samples}),
        train=sum(sample.split == "train" for sample in found.samples),
        valid=sum(sample.split == "valid" for sample in found.samples),
        channels=dict(channels),
        notes=(*found.notes, *_warnings(found.problems)),
    )


def _warnings(problems: Sequence[Finding]) -> Iterator[Message]:
    """What the layout warns of, one sentence for each kind."""
    kinds: dict[str, list[Finding]] = {}
    for problem in problems:
        if problem.level == "warn":
            kinds.setdefault(problem.message.id, []).append(problem)
    for found in kinds.values():
        first = found[0]
        if len(found) == 1:
            yield msg("{clip}: {said}", clip=first.clip, said=first.message)
        else:
            more = len(found) - 1
            yield msg("{clip}: {said} (and {more} more)", clip=first.clip, said=first.message, more=more)
