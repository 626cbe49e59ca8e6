"""Clips in work: one after another, or several questions at once; each label is written as soon as it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.pool import ThreadPool
from pathlib import Path

from tunesmith.data.labels import Label, LabelStore
from tunesmith.data.layouts.text_files import read_text
from tunesmith.data.tags import join_tags, split_tags
from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.label.clips import ClipToLabel
from tunesmith.label.make import Labeler
from tunesmith.label.provider import NoAnswerError, StalledError
from tunesmith.run.console import Console
from tunesmith.texts import msg

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


@dataclass
class _InWork:
    """A clip whose label is being made; ``key`` is that of its question."""

    clip: ClipToLabel
    key: str
    answer: Callable[[], Label]
    ready: Callable[[], bool]


@dataclass
class LabelWork:
    """The clips of one command as they are labelled: known, begun, answered and written."""

    labeler: Labeler
    store: LabelStore
    stats: LabelStats
    limit: int | None
    overwrite: bool
    parallel: int
    console: Console
    silent: int = 0
    answered: bool = False
    in_work: deque[_InWork] = field(default_factory=deque)

    def process(self, clip: ClipToLabel) -> int:
        """Begin a clip, unless it is labelled or the limit is reached; how many clips ended meanwhile."""
        ended, key = 0, self._key(clip)
        if key and key in [other.key for other in self.in_work]:  # the same sound again: one question is enough
            ended += self.finish()
        if self._is_known(clip, key):
            self.stats.known += 1
            self._write_tags(clip)
            return ended + 1
        begun = self.stats.made + len(self.stats.unusable) + len(self.in_work)
        if self.limit is not None and begun >= self.limit:
            self.stats.waiting += 1
            return ended + 1
        self._begin(clip, key)
        while len(self.in_work) >= self.parallel:
            ended += self._end_first()
        return ended

    def finish(self) -> int:
        """Wait for every clip in work; how many there were."""
        return sum(self._end_first() for _ in range(len(self.in_work)))

    def keep_answered(self) -> None:
        """Before the run ends early: write the labels that are there already."""
        for work in self.in_work:
            if work.ready():
                with suppress(TunesmithError):
                    self.store.add(work.answer())
        self.in_work.clear()

    def close(self) -> None:
        """End the threads; one that waits for a server is left behind."""
        if pool := self.__dict__.pop("_pool", None):
            pool.terminate()

    @cached_property
    def _pool(self) -> ThreadPool:
        return ThreadPool(self.parallel)

    def _key(self, clip: ClipToLabel) -> str:
        try:
            return self.labeler.keys(clip)[1]
        except TunesmithError:
            return ""  # an unreadable file; making the label says so

    def _is_known(self, clip: ClipToLabel, key: str) -> bool:
        found = self.store.done(key, clip.id) if key else None
        if found is not None and not self.store.holds(clip.id, found.audio, key):
            self.store.add(found)  # the same sound under another name
        return found is not None

    def _begin(self, clip: ClipToLabel, key: str) -> None:
        if self.parallel == 1:  # in this thread, where Ctrl-C reaches a model that is thinking
            self.in_work.append(_InWork(clip, key, lambda: self.labeler.make(clip), lambda: False))
            return
        result = self._pool.apply_async(self.labeler.make, (clip,))
        self.in_work.append(_InWork(clip, key, result.get, result.ready))

    def _end_first(self) -> int:
        """Wait for the clip that was begun first, count and write its label; 1, for the clip that ended."""
        work = self.in_work.popleft()
        label = self._answer(work)
        if label.status == "ok":
            self.stats.made += 1
        else:
            self.stats.unusable.append(label)
        self._write_tags(work.clip)
        return 1

    def _answer(self, work: _InWork) -> Label:
        try:
            label = work.answer()
        except NoAnswerError as error:
            label = self.labeler.failed(work.clip, error.message)
            self.store.add(label)
            self._silence(label, stalled=isinstance(error, StalledError))
            return label
        self.silent, self.answered = 0, True
        self.store.add(label)
        return label

    def _silence(self, label: Label, *, stalled: bool) -> None:
        """Tell at once that a clip got no answer, and end the run where the next ones will not get one either."""
        self.silent += 1
        if stalled and not self.answered:
            raise TunesmithError(
                msg("the first clip, {clip}, got no answer: {reason}", clip=label.id, reason=label.reason),
                remedy=msg("See whether the server works at all; --timeout SECONDS gives it longer."),
            )
        if self.silent >= SILENT_IN_A_ROW:
            what = msg(
                "{count} clips in a row got no answer; the last: {reason}", count=self.silent, reason=label.reason
            )
            raise TunesmithError(what, remedy=msg("See what is wrong there, then run the same command again."))
        if self.silent == 1:
            self.console.warn(msg("{clip} got no answer: {reason}", clip=label.id, reason=label.reason))

    def _write_tags(self, clip: ClipToLabel) -> None:
        """Write the best label's tags beside the clip, unless the user's own stand there."""
        label = self.store.best_of(clip.id)
        if clip.text_file is None or label.status != "ok":
            return
        existing = tuple(split_tags(read_text(clip.text_file)[0])) if clip.text_file.is_file() else ()
        if existing and not self.overwrite and existing != clip.written:
            self.stats.left += 1
        elif existing != label.tags:
            self._write(clip.text_file, label)

    def _write(self, path: Path, label: Label) -> None:
        write_text(path, join_tags(label.tags) + "\n")
        self.stats.written += 1
