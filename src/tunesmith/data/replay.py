"""Clips of a second set, mixed into training so that what the model could do before is not lost.

They stay apart: a replay clip never prompts one of the user's, it is drawn to a share of each epoch, and its
held-out part never decides which checkpoint is best.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from tunesmith.data.item_rng import key_of
from tunesmith.data.layouts.dataset import Dataset
from tunesmith.data.sample import Sample
from tunesmith.data.samples import Ids, Samples, ids_of, in_order
from tunesmith.texts import Message, msg

REPLAY = "replay"
"""The attribute that is true of a sample from the replay set."""
MOST = 4
"""How often one clip is trained on in one epoch at most; beyond that it would be learnt by heart."""


def is_replay(sample: Sample) -> bool:
    """Whether a sample is from the replay set and not one of the user's own."""
    return sample.attributes.get(REPLAY) is True


def marked(layout: Dataset, user_ids: Collection[str]) -> Dataset:
    """A replay set with its samples marked, their ids and sources under a prefix that no id of the user's has.

    Args:
        layout: As it was read.
        user_ids: Ids of the user's own samples.
    """
    names = (REPLAY, *(f"{REPLAY}-{n}" for n in range(2, len(user_ids) + 3)))
    prefix = next(name for name in names if not any(user_id.startswith(f"{name}/") for user_id in user_ids))

    def under(name: str) -> str:
        return f"{prefix}/{name}" if name not in ("", "*") else name

    samples = [
        replace(s, id=under(s.id), source=under(s.source), attributes={**s.attributes, REPLAY: True})
        for s in layout.samples
    ]
    problems = [problem.model_copy(update={"clip": under(problem.clip)}) for problem in layout.problems]
    return Dataset(samples, problems, layout.name, of_replay(layout.notes))


def of_replay(notes: Iterable[Message]) -> list[Message]:
    """Notes about replay clips, marked as such to tell them from notes about the user's own."""
    return [msg("Replay: {said}", said=note) for note in notes]


@dataclass(frozen=True)
class Mix:
    """How many replay clips every epoch draws beside all of the user's clips.

    Attributes:
        user_clips: How many training clips of the user's own there are.
        replay: Ids of the replay clips that may be trained on, sorted.
        wanted: Share of an epoch that they are to make up (0..1, without 1).
    """

    user_clips: int
    replay: tuple[str, ...]
    wanted: float

    @property
    def asked(self) -> int:
        """Replay clips of one epoch that make up the share."""
        return max(1, round(self.user_clips * self.wanted / (1 - self.wanted))) if self.wanted else 0

    @property
    def drawn(self) -> int:
        """Replay clips of one epoch, each counted as often as it is drawn: at most :data:`MOST` times."""
        return min(self.asked, MOST * len(self.replay))

    @property
    def per_epoch(self) -> int:
        """Clips of one epoch."""
        return self.user_clips + self.drawn

    @property
    def share(self) -> float:
        """Share of an epoch that replay clips really make up."""
        return self.drawn / self.per_epoch

    def line(self) -> Message:
        """The mix in a sentence."""
        return msg(
            "replay: every pass has {own} clips of your own and {drawn} replay clips ({share:.0%})",
            own=self.user_clips,
            drawn=self.drawn,
            share=self.share,
        )

    def entries(self, samples: Sequence[Sample]) -> Entries:
        """Training samples, each replay sample as many times as one epoch may draw it, under ids of their own.

        So each time has its own crop and noise.
        """
        times = np.where(are_replay(samples), math.ceil(self.drawn / len(self.replay)), 1)
        places = np.repeat(np.arange(len(samples), dtype=np.int32), times)
        firsts = np.cumsum(times) - times
        return Entries(samples, places, (np.arange(len(places)) - firsts[places] + 1).astype(np.int32))

    def of_epoch(self, seed: int, epoch: int) -> frozenset[str]:
        """Ids of the replay entries of one epoch.

        All clips as often as they fit whole; what is left comes from a pack shuffled anew whenever it is used up, so
        that epochs that follow each other draw different clips. Depends on nothing but the arguments.
        """
        whole, rest = divmod(self.drawn, len(self.replay))
        names = {_entry(name, n) for n in range(1, whole + 1) for name in self.replay}
        if rest:
            epochs = len(self.replay) // rest
            pack = sorted(self.replay, key=lambda name: key_of(seed, REPLAY, epoch // epochs, name))
            at = epoch % epochs * rest
            names |= {_entry(name, whole + 1) for name in pack[at : at + rest]}
        return frozenset(names)


def mix_of(training: Sequence[Sample], share: float) -> Mix | None:
    """The mix of a set of training samples; ``None`` where no replay clips stand beside the user's own.

    Args:
        training: Samples to train on.
        share: The recipe's ``data.replay_share``.
    """
    names = ids_of(training)
    ids = tuple(sorted(names[place] for place in np.flatnonzero(are_replay(training)).tolist()))
    user_clips = len(training) - len(ids)
    return Mix(user_clips, ids, share) if ids and user_clips else None


def are_replay(samples: Sequence[Sample]) -> np.ndarray:
    """Which samples are from the replay set (bool)."""
    return samples.is_replay if isinstance(samples, Samples) else np.array([is_replay(s) for s in samples], bool)


class EntryIds(Ids):
    """The ids of :class:`Entries`."""

    def __init__(self, names: Sequence[str], places: np.ndarray, times: np.ndarray) -> None:
        self.names, self.places, self.times = names, places, times

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> EntryIds: ...
    def __getitem__(self, index: int | slice) -> str | EntryIds:
        """One id, or those of a slice."""
        if isinstance(index, slice):
            return EntryIds(self.names, self.places[index], self.times[index])
        return _entry(self.names[int(self.places[index])], int(self.times[index]))

    def order(self) -> np.ndarray:
        """Their places in order of name."""
        return np.array(in_order(list(self)), np.int32)


class Entries(Samples):
    """Samples of which some come several times, under an id for each time.

    Args:
        samples: The samples.
        places: Which of them each entry is (int32).
        times: Which time this is, from 1 (int32).
    """

    def __init__(self, samples: Sequence[Sample], places: np.ndarray, times: np.ndarray) -> None:
        self.samples, self.places, self.times = samples, places, times
        self._ids = EntryIds(ids_of(samples), places, times)

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Entries: ...
    def __getitem__(self, index: int | slice) -> Sample | Entries:
        """One entry, or those of a slice."""
        if isinstance(index, slice):
            return Entries(self.samples, self.places[index], self.times[index])
        return replace(self.samples[int(self.places[index])], id=self._ids[index])

    @property
    def ids(self) -> EntryIds:
        """The id of every entry."""
        return self._ids

    @property
    def is_replay(self) -> np.ndarray:
        """Which entries are from the replay set (bool)."""
        replay: np.ndarray = are_replay(self.samples)[self.places]
        return replay


def _entry(name: str, time: int) -> str:
    return name if time == 1 else f"{name}#{time}"
