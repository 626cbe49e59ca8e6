"""Sets in which one caption stands for most clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding
from tunesmith.data.sample import Sample

_FEWEST = 4  # with fewer clips a shared caption says nothing


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when one text serves more than ``identical_texts_share`` of the clips, unless it is what they say."""
    texts = Counter(caption for clip in context.clips if (caption := _caption(clip.sample)))
    if context.transcripts or not texts or len(context.clips) < _FEWEST:
        return
    text, count = texts.most_common(1)[0]
    share, limit = count / len(context.clips), context.limits.identical_texts_share
    if share > limit:
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        yield Finding(
            check="identical_texts",
            level="warn",
            clip="*",
            message=f"{count} of {len(context.clips)} clips ({share:.0%}, over {limit:.0%}) share the text “{shown}”",
            value=100 * share,
            limit=100 * limit,
            unit="%",
            remedy="Describe what differs between the clips, else the adapter learns to ignore the prompt.",
            message_zh=f"{len(context.clips)} 个片段中 {count} 个（{share:.0%}，超过 {limit:.0%}）文字相同：“{shown}”",
            remedy_zh="请写出各片段的不同之处，否则适配器会学会忽略提示词。",
        )


def _caption(sample: Sample) -> str:
    return " / ".join(text.strip().casefold() for role, text in sorted(sample.texts.items()) if role != "lyrics")
