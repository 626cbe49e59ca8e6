"""Clips much louder or quieter than the rest of the set."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding

_FEWEST = 3


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning for clips further than ``loudness_spread`` LU from the set's median loudness."""
    measured = [audio for audio in context.decoded() if audio.facts.lufs is not None]
    if len(measured) < _FEWEST:
        return
    middle = median(audio.facts.lufs or 0.0 for audio in measured)
    limit = context.limits.loudness_spread
    for audio in measured:
        lufs = audio.facts.lufs or 0.0
        away = lufs - middle
        if abs(away) > limit:
            yield Finding(
                check="loudness_outlier",
                level="warn",
                clip=audio.clip,
                message=(
                    f"{audio.subject} is {abs(away):.1f} LU {'louder' if away > 0 else 'quieter'} than the median "
                    f"({lufs:.1f} against {middle:.1f} LUFS), over {limit:g} LU"
                ),
                value=away,
                limit=limit,
                unit="LU",
                remedy="Bring the clips to one loudness, unless the difference is meant.",
                message_zh=(
                    f"{audio.subject_zh}比中位响度{'高' if away > 0 else '低'} {abs(away):.1f} LU"
                    f"（{lufs:.1f} 对 {middle:.1f} LUFS），超过 {limit:g} LU"
                ),
                remedy_zh="除非有意为之，请把片段调到相同响度。",
            )
