"""Messages made of parts: ``a, b and c``, ``a or b``, ``a; b``, lines, what happened and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.texts.message import Message, as_message, msg


def all_of(parts: Sequence[str | Message]) -> Message:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return as_message(parts[0] if parts else None)
    return msg("{names} and {last}", names=tuple(parts[:-1]), last=parts[-1])


def any_of(parts: Sequence[str | Message]) -> Message:
    """``a``, ``a or b``, ``a, b or c``."""
    if len(parts) < 2:
        return as_message(parts[0] if parts else None)
    return msg("{names} or {last}", names=tuple(parts[:-1]), last=parts[-1])


def joined(parts: Sequence[str | Message]) -> Message:
    """``a, b, c``."""
    return Message("{parts}", {"parts": tuple(parts)})


def with_remedy(said: str | Message, remedy: str | Message | None) -> Message:
    """What happened, and what to do about it, if there is anything to do."""
    return msg("{said}. {remedy}", said=said, remedy=remedy) if remedy else as_message(said)


def in_turn(parts: Sequence[Message]) -> Message:
    """``a; b; c``: the clauses of one sentence."""
    first, *others = parts or (Message(id=""),)
    for other in others:
        first = msg("{first}; {second}", first=first, second=other)
    return first


def in_lines(parts: Sequence[Message]) -> Message:
    """A line for each part, all but the first indented."""
    first, *others = parts or (Message(id=""),)
    for other in others:
        first = Message("{first}\n  {second}", {"first": first, "second": other})
    return first
