"""The one exception that users see: what went wrong, where, and what to do about it."""

from __future__ import annotations

from typing import Any

from tunesmith.texts import Message, msg, with_remedy


class TunesmithError(Exception):
    """A failure the user can act on; the command line prints it as one sentence and exits non-zero.

    Args:
        what: What went wrong, with the numbers that show it.
        where: The file (``file:line``), clip or key it concerns, when there is one.
        remedy: What the user can do now.
    """

    def __init__(self, what: str | Message, *, where: str | None = None, remedy: str | Message | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """How it comes from a worker process: classes with other arguments have no other way."""
        return _rebuilt, (type(self), self.args, vars(self))

    @property
    def message(self) -> Message:
        """The whole of it in one message."""
        what = self.what.rstrip(".") if self.remedy and isinstance(self.what, str) else self.what
        if isinstance(what, str) and not isinstance(self.remedy, Message):  # in English alone
            text = f"{self.where}: {what}" if self.where else what
            return Message.fixed(f"{text}. {self.remedy}" if self.remedy else text)
        return with_remedy(msg("{where}: {said}", where=self.where, said=what) if self.where else what, self.remedy)

    def __str__(self) -> str:
        return str(self.message)


def _rebuilt(kind: type[TunesmithError], args: tuple[Any, ...], values: dict[str, Any]) -> TunesmithError:
    error = kind.__new__(kind)
    error.args = args
    vars(error).update(values)
    return error


def message_of(error: BaseException) -> Message:
    """What an exception says: the message it carries, as ``ValueError(msg("…"))`` does, else its text."""
    if isinstance(error, TunesmithError):
        return error.message
    carried = error.args[0] if error.args else None
    return carried if isinstance(carried, Message) else Message.fixed(str(error))


class UnfitSampleError(TunesmithError):
    """One sample cannot be encoded while others can: it is put aside, and the rest goes on."""
