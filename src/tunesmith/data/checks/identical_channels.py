"""Stereo files that hold the same mono sound twice."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Info when the sides differ by less than ``identical_channels_db``; a stereo model learns no width from it."""
    limit = context.limits.identical_channels_db
    for audio in context.decoded():
        side = audio.facts.side_db
        if side is not None and side < limit:
            yield Finding(
                check="identical_channels",
                level="info",
                clip=audio.clip,
                message=f"{audio.subject} is mono stored as stereo: side {side:.0f} dB, under {limit:g} dB",
                value=side,
                limit=limit,
                unit="dB",
                remedy="Nothing to do for a mono model; a stereo model learns no width from it.",
                message_zh=f"{audio.subject_zh}是存成立体声的单声道：左右差异 {side:.0f} dB，低于 {limit:g} dB",
                remedy_zh="单声道模型无需处理；立体声模型学不到声场宽度。",
            )
