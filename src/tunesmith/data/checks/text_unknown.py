"""Texts in a language or script that the text encoder cannot read."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error over ``unknown_text_error`` of tokens the encoder does not know, warning over ``unknown_text_warn``."""
    if context.unk_ratio is None:
        return
    limits = context.limits
    for clip in context.clips:
        for role, text in clip.sample.texts.items():
            if role == "lyrics":  # they have a tokeniser of their own
                continue
            share = context.unk_ratio(text) if text.strip() else 0.0
            if share <= limits.unknown_text_warn:
                continue
            error = share > limits.unknown_text_error
            limit = limits.unknown_text_error if error else limits.unknown_text_warn
            yield Finding(
                check="text_unknown",
                level="error" if error else "warn",
                clip=clip.sample.id,
                message=msg(
                    "{share:.0%} of its {role} is unknown to the model's text encoder, over {limit:.0%}",
                    share=share,
                    role=role,
                    limit=limit,
                ),
                value=100 * share,
                limit=100 * limit,
                unit="%",
                remedy=msg("Write it in English; this text encoder was trained on little else."),
            )
