"""``data/clips.json``: the content of every clip of a run, so that two states of a dataset can be compared."""

from __future__ import annotations

import hashlib

from pydantic import Field

from tunesmith.records.record import Record
from tunesmith.texts import Message, in_turn, msg

_NAMED = 3
"""Clips of one kind of change that are named; the others are counted."""


class ClipIndex(Record):
    """Clips by id.

    Attributes:
        clips: By id the split (``train`` or ``valid``) and a key of the clip's content, as one text ``train 3fa9…``.
            Where the files lie plays no part in it.
    """

    clips: dict[str, str] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """How many clips, and a short key of all of them: ``40 (1f3a9c22)``."""
        text = "\n".join(f"{name} {self.clips[name]}" for name in sorted(self.clips))
        return f"{len(self.clips)} ({hashlib.blake2b(text.encode(), digest_size=4).hexdigest()})"

    @property
    def contents(self) -> dict[str, str]:
        """The key of each clip's content by id, whatever its side of the split."""
        return {name: text.split()[-1] for name, text in self.clips.items()}

    def compared(self, now: ClipIndex) -> Message:
        """What another state of the dataset has that this one has not, and the other way round."""
        both = self.clips.keys() & now.clips.keys()
        parts = [
            _part(msg("{count} removed ({names})"), sorted(self.clips.keys() - now.clips.keys())),
            _part(msg("{count} new ({names})"), sorted(now.clips.keys() - self.clips.keys())),
            _part(
                msg("{count} with other content, text or side of the split ({names})"),
                sorted(name for name in both if self.clips[name] != now.clips[name]),
            ),
        ]
        return in_turn([part for part in parts if part])


def _part(said: Message, names: list[str]) -> Message:
    if not names:
        return Message(id="")
    shown = names[:_NAMED] + (["…"] if len(names) > _NAMED else [])
    return Message(said.id, {"count": len(names), "names": tuple(shown)})
