"""Waveforms that do not swing around zero."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_SHARE_OF_RMS = 0.05  # an offset this far under the sound itself is harmless


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when a channel's mean exceeds ``dc_offset`` and 5 % of the clip's RMS level."""
    limit = context.limits.dc_offset
    for audio in context.decoded():
        offset = audio.facts.dc
        if offset > limit and offset > _SHARE_OF_RMS * audio.facts.rms:
            yield Finding(
                check="dc_offset",
                level="warn",
                clip=audio.clip,
                message=msg(
                    "{subject} has a DC offset of {offset:.3f}, over {limit:g}",
                    subject=audio.subject,
                    offset=offset,
                    limit=limit,
                ),
                value=offset,
                limit=limit,
                unit="full scale",
                remedy=msg("Apply a 20 Hz high-pass filter."),
            )
