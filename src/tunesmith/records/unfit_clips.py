"""``unfit.json`` of a shard: the clips of it that cannot be encoded, and why."""

from __future__ import annotations

from typing import Any, Self

from tunesmith.errors import TunesmithError, UnfitSampleError
from tunesmith.records.record import Part, Record
from tunesmith.texts import Message


class UnfitClip(Part):
    """One clip, or one variant of it.

    Attributes:
        id: The sample's id.
        key: Key of what it would have been encoded from.
        what: Why it cannot be: a message as data, or plain words.
        where: What that concerns.
        remedy: What to do about it.
    """

    id: str
    key: str
    what: dict[str, Any] | str
    where: str | None = None
    remedy: dict[str, Any] | str | None = None

    @classmethod
    def of(cls, sample_id: str, key: str, error: TunesmithError) -> Self:
        """The record of an error."""
        return cls(id=sample_id, key=key, what=_plain(error.what), where=error.where, remedy=_plain(error.remedy))

    def error(self) -> UnfitSampleError:
        """The error again; it says what it said."""
        return UnfitSampleError(_said(self.what) or "", where=self.where, remedy=_said(self.remedy))


class UnfitClips(Record):
    """All of a shard."""

    clips: tuple[UnfitClip, ...] = ()


def _plain(said: str | Message | None) -> Any:
    return said.to_json() if isinstance(said, Message) else said


def _said(plain: dict[str, Any] | str | None) -> str | Message | None:
    return Message.from_json(plain) if isinstance(plain, dict) else plain
