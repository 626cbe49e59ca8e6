"""Held-out clips whose sound is also trained on, which makes held-out loss meaningless."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error on the held-out clip of every pair that sounds alike across the user's own train/valid split.

    Only a warning where both name one track in ``cut_from``: with few tracks their ends are held out on purpose.
    """
    limit = context.limits.duplicate_score
    for first, second, score in context.similar:
        splits = (context.by_id[first].sample.split, context.by_id[second].sample.split)
        if set(splits) != {"train", "valid"}:
            continue
        held_out, trained = (first, second) if splits[0] == "valid" else (second, first)
        cut = context.by_id[held_out].sample.attributes.get("cut_from")
        intended = cut is not None and cut == context.by_id[trained].sample.attributes.get("cut_from")
        yield Finding(
            check="leakage",
            level="warn" if intended else "error",
            clip=held_out,
            message=msg(
                "this held-out clip sounds like the training clip {trained}: {score:.0%} of their fingerprint agrees, "
                "over {limit:.0%}",
                trained=trained,
                score=score,
                limit=limit,
            ),
            value=100 * score,
            limit=100 * limit,
            unit="%",
            remedy=msg("Hold out a track that is not trained on, or let Tunesmith make the split."),
        )
