"""Votes that came back: which of them count, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import DamagedFileError
from tunesmith.records.listening_key import ListeningKey
from tunesmith.records.listening_votes import LEAST_HEARD_MS, ListeningVotes, Vote
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, in_lines, msg

_TOLERANCE_MS = 100
"""A decoder may give back a little more or less than was encoded."""


@dataclass(frozen=True)
class ReturnedVotes:
    """What counts.

    Attributes:
        key: Of the page that was heard.
        people: Votes that count, one entry for each person.
        files: The file of each, in the same order.
        left_out: What does not count, and why.
        notes: What a reader should know of what does.
    """

    key: ListeningKey
    people: tuple[ListeningVotes, ...]
    files: tuple[Path, ...]
    left_out: tuple[Message, ...]
    notes: tuple[Message, ...]


def joined_votes(folder: RunFolder, files: Sequence[Path]) -> ReturnedVotes:
    """Read files of votes and join them.

    Left out, each with its reason: a file that is damaged or was changed, of a page that this run has no key for or of
    another page than the others, a file that is given twice, votes that the page cannot have made. Of two files of one
    person the later one counts.

    Raises:
        TunesmithError: when the run has no key, or nothing counts.
    """
    left_out: list[Message] = []
    read = _read(files, left_out)
    key = _key_for(folder, [votes for _, votes in read])
    people: dict[str, tuple[Path, ListeningVotes]] = {}
    for path, votes in read:
        if votes.page != key.page:
            known = msg("{file}: its votes are about another page ({page})", file=path.name, page=votes.page)
            left_out.append(known)
        elif sound := _sound(path, votes, key, left_out):
            _add(people, path, sound, left_out)
    if not people:
        raise TunesmithError(
            msg("none of these votes count"), where=str(folder.path), remedy=in_lines(left_out) if left_out else None
        )
    names = [votes.name.casefold() for _, votes in people.values() if votes.name]
    twice = sorted({votes.name for _, votes in people.values() if names.count(votes.name.casefold()) > 1})
    notes = [
        msg("{name} stands in several files from different devices, each counted as a person of its own", name=name)
        for name in twice
    ]
    kept = tuple(people.values())
    return ReturnedVotes(key, tuple(v for _, v in kept), tuple(p for p, _ in kept), tuple(left_out), tuple(notes))


def _read(files: Sequence[Path], left_out: list[Message]) -> list[tuple[Path, ListeningVotes]]:
    found: list[tuple[Path, ListeningVotes]] = []
    for path in files:
        try:
            votes = ListeningVotes.read(path)
        except DamagedFileError as error:
            left_out.append(
                msg("{file}: this is no file of votes, or it is damaged ({why})", file=path.name, why=error.what)
            )
            continue
        except TunesmithError as error:
            left_out.append(error.message)
            continue
        if votes.digest != votes.computed_digest():
            left_out.append(
                msg(
                    "{file}: it was changed after it was saved, since its digest does not fit; ask for it again",
                    file=path.name,
                )
            )
        elif same := next((other for other, one in found if one.digest == votes.digest), None):
            left_out.append(msg("{file}: the same as {other}, counted once", file=path.name, other=same.name))
        else:
            found.append((path, votes))
    return found


def _key_for(folder: RunFolder, read: Sequence[ListeningVotes]) -> ListeningKey:
    """The key of the page that most of the votes are about; of the present page where none are."""
    keys: list[ListeningKey] = []
    damage: DamagedFileError | None = None
    for path in folder.listening_keys():
        try:
            keys.append(ListeningKey.read(path))
        except DamagedFileError as error:
            damage = damage or error
    if not keys:
        if damage is not None:
            raise damage
        raise TunesmithError(
            msg("this run has no key of a listening test, without which votes mean nothing"),
            where=str(folder.listening_key),
            remedy=msg("Name the run that the page was made from; `tunesmith listen RUN` makes a page."),
        )
    return max(keys, key=lambda key: sum(votes.page == key.page for votes in read))


def _sound(path: Path, votes: ListeningVotes, key: ListeningKey, left_out: list[Message]) -> ListeningVotes | None:
    """The votes that the page can have made; nothing where there are none."""
    kept: dict[int, Vote] = {}
    for vote in votes.votes:
        trial = key.trials[vote.trial] if vote.trial < len(key.trials) else None
        if trial is None or (vote.a, vote.b) != (trial.a, trial.b):
            why = msg("it names clips that the page did not play as pair {number}", number=vote.trial + 1)
        elif vote.trial in kept:
            why = msg("pair {number} was voted on twice", number=vote.trial + 1)
        elif not _was_heard(vote, key):
            why = msg("pair {number} was voted on before both sides were heard", number=vote.trial + 1)
        else:
            kept[vote.trial] = vote
            continue
        left_out.append(msg("{file}: a vote, since {why}", file=path.name, why=why))
    if not kept:
        left_out.append(msg("{file}: it holds no vote", file=path.name))
        return None
    return votes.model_copy(update={"votes": tuple(kept.values())})


def _was_heard(vote: Vote, key: ListeningKey) -> bool:
    least = (min(LEAST_HEARD_MS, 900 * key.clips[clip].seconds) - _TOLERANCE_MS for clip in (vote.a, vote.b))
    return all(heard >= wanted for heard, wanted in zip((vote.heard_a_ms, vote.heard_b_ms), least, strict=True))


def _add(
    people: dict[str, tuple[Path, ListeningVotes]], path: Path, votes: ListeningVotes, left_out: list[Message]
) -> None:
    """Let a person's later file stand for an earlier one; the same votes under another person's id count once."""
    copied = next(
        (p for p, other in people.values() if other.listener != votes.listener and other.votes == votes.votes), None
    )
    if copied is not None:
        left_out.append(msg("{file}: the very votes of {other}, counted once", file=path.name, other=copied.name))
        return
    if (earlier := people.get(votes.listener)) is None:
        people[votes.listener] = (path, votes)
        return
    older, newer = sorted([earlier, (path, votes)], key=lambda one: (one[1].saved, len(one[1].votes)))
    people[votes.listener] = newer
    left_out.append(
        msg(
            "{file}: the same person saved {other} later, which counts instead", file=older[0].name, other=newer[0].name
        )
    )
