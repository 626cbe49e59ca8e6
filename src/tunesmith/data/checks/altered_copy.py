"""Clips that are another one at another pitch or speed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.data.altered_copies import AlteredCopy


_IN_SPEECH = 3.0
"""One sentence in two accents of a synthesiser agrees by up to 0.39, pitched and sped-up copies by 0.59 and more."""


def least_score(limits: CheckLimits, *, transcripts: bool) -> float:
    """Share (0..1) of agreeing landmarks above which a clip is a copy; sentences of one voice are alike without it."""
    return limits.altered_score * (_IN_SPEECH if transcripts else 1)


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning on the later of two clips; pairs across a train/valid split of the user's own are warned of as well."""
    limit = least_score(context.limits, transcripts=context.transcripts)
    for copy in context.altered:
        yield Finding(
            check="altered_copy",
            level="warn",
            clip=copy.second,
            message=_says(copy, limit),
            value=100 * copy.score,
            limit=100 * limit,
            unit="%",
            remedy=msg("Keep one of them, unless varied copies are what you want; the split keeps them on one side."),
        )


def _says(copy: AlteredCopy, limit: float) -> Message:
    known = {"earlier": copy.first, "score": copy.score, "limit": limit}
    semitones, faster = 12 * math.log2(copy.pitch), copy.speed - 1
    if copy.speed == 1:
        return msg(
            "this clip is {earlier} again, pitched by about {semitones:+.1f} semitones: then {score:.0%} of their "
            "fingerprint agrees, over {limit:.0%}",
            semitones=semitones,
            **known,
        )
    if copy.pitch == 1:
        return msg(
            "this clip is {earlier} again, its speed changed by about {faster:+.0%}: then {score:.0%} of their "
            "fingerprint agrees, over {limit:.0%}",
            faster=faster,
            **known,
        )
    return msg(
        "this clip is {earlier} again, its speed changed by about {faster:+.0%} and its pitch with it: then "
        "{score:.0%} of their fingerprint agrees, over {limit:.0%}",
        faster=faster,
        **known,
    )
