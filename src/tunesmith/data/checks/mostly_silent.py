"""Clips that are silence for the most part."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_PROMPT_LIMIT = 0.95


def check(context: CheckContext) -> Iterator[Finding]:
    """Error when more than ``silent_share`` of the 50 ms pieces lie under -60 dBFS; for a prompt, when nearly all do.

    The pauses in a prompt may be what is to be taken away.
    """
    for audio in context.audios():
        limit = context.limits.silent_share if audio.is_target else _PROMPT_LIMIT
        share = audio.facts.silent_share
        if audio.facts.decoded and share > limit:
            yield Finding(
                check="mostly_silent",
                level="error",
                clip=audio.clip,
                message=msg(
                    "{share:.0%} of {subject} is silence, over {limit:.0%}",
                    share=share,
                    subject=audio.subject,
                    limit=limit,
                ),
                value=100 * share,
                limit=100 * limit,
                unit="%",
                remedy=msg("Cut the silence away, or leave the clip out."),
            )
