"""Sets in which one caption stands for most clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.file_name_texts import shortened
from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_FEWEST = 4  # with fewer clips a shared caption says nothing


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when one text serves more than ``identical_texts_share`` of the clips, unless it is what they say."""
    texts = Counter(caption for clip in context.clips if (caption := _caption(clip.sample)))
    if context.transcripts or not texts or len(context.clips) < _FEWEST:
        return
    text, count = texts.most_common(1)[0]
    share, limit = count / len(context.clips), context.limits.identical_texts_share
    if share > limit:
        yield Finding(
            check="identical_texts",
            level="warn",
            clip="*",
            message=msg(
                "{count} of {clips} clips ({share:.0%}, over {limit:.0%}) share the text “{text}”",
                count=count,
                clips=len(context.clips),
                share=share,
                limit=limit,
                text=shortened(text),
            ),
            value=100 * share,
            limit=100 * limit,
            unit="%",
            remedy=msg("Describe what differs between the clips, else the adapter learns to ignore the prompt."),
        )


def _caption(sample: Sample) -> str:
    return " / ".join(text.strip().casefold() for role, text in sorted(sample.texts.items()) if role != "lyrics")
