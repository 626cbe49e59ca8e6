"""Clips that hold the same sound, bit by bit or nearly."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext, CheckedClip
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

LENGTH_TOLERANCE = 0.1
"""Of the longer one: a cut of a track is not the track."""


def check(context: CheckContext) -> Iterator[Finding]:
    """Error on the later of two identical clips or copies of one recording, a warning on both of two that sound alike.

    Pairs across a train/valid split of the user's own are left to ``leakage``. One sound may be the answer to different
    prompts.
    """
    for earlier, later, score in context.similar:
        first, second = context.by_id[earlier], context.by_id[later]
        if {first.sample.split, second.sample.split} == {"train", "valid"} or first.request != second.request:
            continue
        if first.content and first.content == second.content:
            yield _identical(later, earlier)
        elif score >= context.limits.same_recording_score and _same_length(first, second):
            yield _same_recording(later, earlier, score, context.limits.same_recording_score)
        else:
            yield _similar(earlier, later, score, context.limits.duplicate_score)
            yield _similar(later, earlier, score, context.limits.duplicate_score)


def _identical(clip: str, earlier: str) -> Finding:
    return Finding(
        check="duplicate",
        level="error",
        clip=clip,
        message=msg("this clip holds the same sound as {earlier}, sample by sample", earlier=earlier),
        value=100.0,
        limit=100.0,
        unit="%",
        remedy=msg("Remove one of them; to weigh a clip more, say so in its repeats."),
    )


def _same_length(first: CheckedClip, second: CheckedClip) -> bool:
    lengths = [sum(facts.seconds for facts in clip.facts.values()) for clip in (first, second)]
    return abs(lengths[0] - lengths[1]) <= LENGTH_TOLERANCE * max(lengths)


def _same_recording(clip: str, earlier: str, score: float, limit: float) -> Finding:
    return Finding(
        check="duplicate",
        level="error",
        clip=clip,
        message=msg(
            "this clip is the same recording as {earlier}, saved again: {score:.0%} of their fingerprint agrees",
            earlier=earlier,
            score=score,
        ),
        value=100 * score,
        limit=100 * limit,
        unit="%",
        remedy=msg("Remove one of them; to weigh a clip more, say so in its repeats."),
    )


def _similar(clip: str, other: str, score: float, limit: float) -> Finding:
    return Finding(
        check="duplicate",
        level="warn",
        clip=clip,
        message=msg(
            "this clip sounds like {other}: {score:.0%} of their fingerprint agrees, over {limit:.0%}",
            other=other,
            score=score,
            limit=limit,
        ),
        value=100 * score,
        limit=100 * limit,
        unit="%",
        remedy=msg("Keep one of them, unless they are meant variations; the split keeps them on one side."),
    )
