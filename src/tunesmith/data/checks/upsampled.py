"""Files whose spectrum ends in a cliff: once stored at a low rate or bit rate, and blown up again."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


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
            message=msg(
                "{subject} holds nothing above {edge:.0f} Hz (a cliff of {drop:.0f} dB), under {limit:.0f} Hz: it was "
                "upsampled or compressed hard",
                subject=audio.subject,
                edge=edge,
                drop=drop,
                limit=limit,
            ),
            value=edge,
            limit=limit,
            unit="Hz",
            remedy=msg("Use the original file: the model would learn the dull sound."),
        )
