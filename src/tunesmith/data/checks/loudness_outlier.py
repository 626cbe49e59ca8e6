"""Clips much louder or quieter than the rest of the set."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

FEWEST = 3
"""With fewer clips there is no middle to be far from."""


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning for clips further than ``loudness_spread`` LU from the set's median loudness."""
    measured = [audio for audio in context.decoded() if audio.facts.lufs is not None]
    if len(measured) < FEWEST:
        return
    median_lufs = median(audio.facts.lufs or 0.0 for audio in measured)
    limit = context.limits.loudness_spread
    for audio in measured:
        lufs = audio.facts.lufs or 0.0
        difference = lufs - median_lufs
        if abs(difference) > limit:
            yield Finding(
                check="loudness_outlier",
                level="warn",
                clip=audio.clip,
                message=_sentence(audio.subject, lufs, median_lufs, limit),
                value=difference,
                limit=limit,
                unit="LU",
                remedy=msg("Bring the clips to one loudness, unless the difference is meant."),
            )


def _sentence(subject: Message, lufs: float, median_lufs: float, limit: float) -> Message:
    values: dict[str, Any] = {"subject": subject, "lufs": lufs, "middle": median_lufs, "limit": limit}
    if lufs > median_lufs:
        return msg(
            "{subject} is {away:.1f} LU louder than the median ({lufs:.1f} against {middle:.1f} LUFS), "
            "over {limit:g} LU",
            away=lufs - median_lufs,
            **values,
        )
    return msg(
        "{subject} is {away:.1f} LU quieter than the median ({lufs:.1f} against {middle:.1f} LUFS), over {limit:g} LU",
        away=median_lufs - lufs,
        **values,
    )
