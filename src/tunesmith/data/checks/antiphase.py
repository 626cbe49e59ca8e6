"""Stereo files that cancel out when they are mixed down to mono."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


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
                message=(
                    f"the channels of {audio.subject} cancel out: its mono mix is {mono:.0f} dB against the "
                    f"difference, under {limit:g} dB"
                ),
                value=mono,
                limit=limit,
                unit="dB",
                remedy="Invert the polarity of one channel before a mono model is trained on it.",
                message_zh=f"{audio.subject_zh}左右声道反相抵消：单声道混音比差信号为 {mono:.0f} dB，低于 {limit:g} dB",
                remedy_zh="训练单声道模型前，请把其中一个声道的极性反转。",
            )
