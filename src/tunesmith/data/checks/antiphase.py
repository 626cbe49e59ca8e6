"""Stereo files that cancel out when they are mixed down to mono."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when the mono mix is weaker than the difference of the sides by ``antiphase_db``."""
    limit = context.limits.antiphase_db
    for audio in context.decoded():
        if audio.facts.side_db is None:
            continue
        mono = -audio.facts.side_db
        if mono < limit:
            yield Finding(
                check="antiphase",
                level="warn",
                clip=audio.clip,
                message=msg(
                    "the channels of {subject} cancel out: its mono mix is {mono:.0f} dB against the difference, "
                    "under {limit:g} dB",
                    subject=audio.subject,
                    mono=mono,
                    limit=limit,
                ),
                value=mono,
                limit=limit,
                unit="dB",
                remedy=msg("Invert the polarity of one channel before a mono model is trained on it."),
            )
