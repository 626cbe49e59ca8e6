"""Sets whose texts all say the same, in nearly the same words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.file_name_texts import shortened
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_WORD = re.compile(r"\d+(?:\.\d+)?\s*bpm|[぀-ヿ㐀-鿿가-힣]|[^\W\d_]+", re.IGNORECASE)
_COMMON, _OWN = 0.5, 0.1
"""A word of half the texts is common; a text of which a tenth or less is its own says nothing of its own."""
_FEWEST = 4


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning where more than ``identical_texts_share`` of the texts differ in numbers, case and marks at most.

    One and the same text is ``identical_texts``'; a tempo is content, other numbers are not.
    """
    texts = {clip.sample.id: clip.sample.texts.get("caption", "").strip() for clip in context.clips}
    texts = {clip: text for clip, text in texts.items() if text}
    limit = context.limits.identical_texts_share
    if context.transcripts or len(texts) < _FEWEST:
        return
    most = Counter(text.casefold() for text in texts.values()).most_common(1)[0][1]
    if most > limit * len(context.clips):
        return
    words = {clip: {word.casefold() for word in _WORD.findall(text)} for clip, text in texts.items()}
    counts = Counter(word for own in words.values() for word in own)
    common = {word for word, count in counts.items() if count > _COMMON * len(texts)}
    alike = [clip for clip, own in words.items() if len(own - common) <= _OWN * len(own)]
    share = len(alike) / len(context.clips)
    if len(alike) < _FEWEST or share <= limit:
        return
    yield Finding(
        check="alike_texts",
        level="warn",
        clip="*",
        message=msg(
            "{count} of {clips} texts ({share:.0%}, over {limit:.0%}) say the same in nearly the same words, such as "
            "“{text}”",
            count=len(alike),
            clips=len(context.clips),
            share=share,
            limit=limit,
            text=shortened(texts[alike[0]]),
        ),
        value=100 * share,
        limit=100 * limit,
        unit="%",
        remedy=msg("Describe what differs between the clips, else the adapter learns to ignore the prompt."),
    )
