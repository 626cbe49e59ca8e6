"""Dropouts: holes of milliseconds that were cut into the sound."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_FEWEST, _FEWEST_IN_SPEECH = 1, 2
"""A stop consonant of a synthesiser's can end and begin as hard, once in a while."""


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning where sound breaks off and comes back within four milliseconds."""
    fewest = _FEWEST_IN_SPEECH if context.transcripts else _FEWEST
    for audio in context.decoded():
        facts = audio.facts
        if facts.dropouts < fewest:
            continue
        yield Finding(
            check="dropout",
            level="warn",
            clip=audio.clip,
            message=msg(
                "the sound of {subject} has {count} holes with hard edges, the first at {start:.2f} s, the longest of "
                "{milliseconds:.0f} ms: it breaks off and comes back within 4 ms",
                subject=audio.subject,
                count=facts.dropouts,
                start=facts.dropout_start,
                milliseconds=1000 * facts.dropout_seconds,
            ),
            value=float(facts.dropouts),
            limit=float(fewest - 1),
            unit="",
            remedy=msg("Copy or export it again from the source: a stream or a disc lost data there."),
        )
