"""Label a folder clip by clip; each label is written as soon as it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.data.labels import FILE, Label, LabelStore, join_tags, split_tags
from tunesmith.data.layouts import layout_named, read_layout
from tunesmith.data.layouts.walk import read_text
from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.label.clips import ClipToLabel, clips_of
from tunesmith.label.make import Labeler
from tunesmith.label.provider import ListeningModel, NoAnswerError
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg

SILENT_IN_A_ROW = 3
"""So many clips without an answer, one after another, mean that the next will have none either."""


@dataclass
class LabelStats:
    """What became of the clips.

    Attributes:
        made: Labelled now.
        known: Labelled before.
        unusable: Labels that are not ``ok``.
        written: Text files written.
        left: Text files of the user's that were left alone.
        waiting: Clips beyond the limit.
    """

    made: int = 0
    known: int = 0
    unusable: list[Label] = field(default_factory=list)
    written: int = 0
    left: int = 0
    waiting: int = 0

    @property
    def usable(self) -> int:
        """Clips with a label that can be used."""
        return self.made + self.known


def label_folder(
    folder: Path,
    listener: ListeningModel | None,
    system: str,
    *,
    limit: int | None = None,
    overwrite: bool = False,
    console: Console | None = None,
) -> LabelStats:
    """Label the clips of a folder that have no usable label of this provider, prompt and model.

    Each label is on the disk before the next clip is begun, so that an interruption costs at most the clip in work.

    Args:
        folder: In any layout.
        listener: The model to ask; ``None`` measures only.
        system: The instruction that goes with every clip.
        limit: Label at most so many clips now.
        overwrite: Replace tag files that the user wrote, too.
        console: Prints lines and progress; a new one by default.

    Raises:
        TunesmithError: for a folder that cannot be read or written, and for a listener that answers nothing at all.
    """
    console = console or Console()
    layout = read_layout(folder)
    store = LabelStore(folder)
    clips = clips_of(layout, store, overwrite=overwrite)
    for problem in layout.problems:
        console.warn(msg("{clip}: {said}", clip=problem.clip, said=problem.with_remedy()))
    stats = LabelStats()
    work = _LabelWork(Labeler(listener, system), store, stats, limit, overwrite)
    try:
        with console.progress(msg("label the clips"), len(clips)) as advance:
            for clip in clips:
                advance(0, clip.id)
                work.process(clip)
                advance()
    except (KeyboardInterrupt, TunesmithError):
        kept = msg(
            "{count} labels are kept in {path}; the same command goes on from there",
            count=stats.usable,
            path=str(store.path),
        )
        console.log(kept)
        raise
    _log_summary(stats, layout.name, store.path, console)
    return stats


@dataclass
class _LabelWork:
    labeler: Labeler
    store: LabelStore
    stats: LabelStats
    limit: int | None
    overwrite: bool
    silent: int = 0

    def process(self, clip: ClipToLabel) -> None:
        """Label one clip, unless that is done or the limit is reached, and bring its text file in line."""
        known = self._known(clip)
        if known is None and self.limit is not None and self.stats.made + len(self.stats.unusable) >= self.limit:
            self.stats.waiting += 1
            return
        label = known or self._make(clip)
        if known is not None:
            self.stats.known += 1
        elif label.status == "ok":
            self.stats.made += 1
        else:
            self.stats.unusable.append(label)
        self._write_tags(clip)

    def _known(self, clip: ClipToLabel) -> Label | None:
        try:
            sound, key = self.labeler.keys(clip)
        except TunesmithError:
            return None  # an unreadable file; making the label says so
        found = self.store.done(key, clip.id)
        if found is not None and not self.store.holds(clip.id, sound, key):
            self.store.add(found)  # the same sound under another name
        return found

    def _make(self, clip: ClipToLabel) -> Label:
        try:
            label = self.labeler.make(clip)
            self.silent = 0
        except NoAnswerError as error:
            label = self.labeler.failed(clip, error.message)
            self.silent += 1
        self.store.add(label)
        if self.silent >= SILENT_IN_A_ROW:
            what = msg(
                "{count} clips in a row got no answer; the last: {reason}", count=self.silent, reason=label.reason
            )
            raise TunesmithError(what, remedy=msg("See what is wrong there, then run the same command again."))
        return label

    def _write_tags(self, clip: ClipToLabel) -> None:
        """Write the best label's tags beside the clip, unless the user's own stand there."""
        label = self.store.best_of(clip.id)
        if clip.text_file is None or label.status != "ok":
            return
        existing = tuple(split_tags(read_text(clip.text_file)[0])) if clip.text_file.is_file() else ()
        if existing and not self.overwrite and not self.store.wrote(clip.id, existing):
            self.stats.left += 1
        elif existing != label.tags:
            self._write(clip.text_file, label)

    def _write(self, path: Path, label: Label) -> None:
        write_text(path, join_tags(label.tags) + "\n")
        self.stats.written += 1


def _log_summary(stats: LabelStats, layout: str, path: Path, console: Console) -> None:
    console.log(_labelled(stats, path))
    if stats.written:
        console.log(
            msg(
                "tags: {count} text files written beside the clips; edit them as you like, they stay yours",
                count=stats.written,
            )
        )
    if stats.left:
        console.log(
            msg("tags: {count} text files of your own left as they are (--overwrite replaces them)", count=stats.left)
        )
    if stats.usable and not layout_named(layout).caption_ending:
        console.log(
            msg(
                "tags: this set lists its captions in one file, which stays yours; new tags are in {file} only",
                file=FILE,
            )
        )
    if stats.waiting:
        console.log(msg("{count} clips are left for the next time (--limit)", count=stats.waiting))
    review = [label for label in stats.unusable if label.status == "needs_review"]
    if review:
        console.warn(msg("{count} clips need a look; the same command tries them again:", count=len(review)))
    _log_reasons(review, console)
    failed = [label for label in stats.unusable if label.status == "failed"]
    if failed:
        console.warn(msg("{count} clips could not be labelled; the same command tries them again:", count=len(failed)))
    _log_reasons(failed, console)


def _labelled(stats: LabelStats, path: Path) -> Message:
    if not stats.known:
        return msg("labelled: {count} clips; all labels are in {path}", count=stats.made, path=str(path))
    return msg(
        "labelled: {count} clips, {known} had been before; all labels are in {path}",
        count=stats.made,
        known=stats.known,
        path=str(path),
    )


def _log_reasons(labels: Sequence[Label], console: Console) -> None:
    for label in labels:
        console.log(msg("  {clip}: {reason}", clip=label.id, reason=label.reason))
