"""Files whose spectrum ends in a cliff: once stored at a low rate or bit rate, and blown up again."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when the cliff lies under ``upsampled_share`` of what both the file and the model could hold."""
    for audio in context.decoded():
        edge, drop = audio.facts.band_edge_hz, audio.facts.band_drop_db
        reachable = min(audio.facts.sample_rate, context.model_sample_rate) / 2
        limit = context.limits.upsampled_share * reachable
        if edge is None or drop is None or drop < context.limits.cliff_db or edge >= limit:
            continue
        yield Finding(
            check="upsampled",
            level="warn",
            clip=audio.clip,
            message=(
                f"{audio.subject} holds nothing above {edge:.0f} Hz (a cliff of {drop:.0f} dB), under {limit:.0f} Hz: "
                "it was upsampled or compressed hard"
            ),
            value=edge,
            limit=limit,
            unit="Hz",
            remedy="Use the original file: the model would learn the dull sound.",
            message_zh=(
                f"{audio.subject_zh}在 {edge:.0f} Hz 以上没有内容（陡降 {drop:.0f} dB），低于 {limit:.0f} Hz："
                "曾被升采样或高度压缩"
            ),
            remedy_zh="请使用原始文件，否则模型会学到发闷的声音。",
        )
