"""Findings of ACE-Step's two tokenisers about a clip's texts, before anything is trained on them."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.families.ace_step.config import MAX_LYRIC_TOKENS, MAX_PROMPT_TOKENS
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED, marked_language
from tunesmith.families.ace_step.lyrics.tokens import LyricTokens
from tunesmith.families.long_captions import long_caption
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

UNKNOWN_WARN = 0.05
"""Share of lyric tokens without an entry in the vocabulary from which a clip is named."""


def caption_findings(clip: str, tokens: int) -> Iterator[Finding]:
    """A caption of more tokens than the text encoder reads."""
    return long_caption(clip, tokens, MAX_PROMPT_TOKENS)


def language_findings(clip: str, language: str) -> Iterator[Finding]:
    """A clip's ``language`` attribute that the model's vocabulary does not have."""
    if language and marked_language(language.strip()) is None:
        yield _warning(
            clip,
            msg(
                "its language “{own}” is none that the model knows; the lyrics are read as the recipe says",
                own=language,
            ),
            msg("Use one of {languages}, or leave it out.", languages=tuple(SUPPORTED)),
        )


def lyric_findings(clip: str, tokens: LyricTokens) -> Iterator[Finding]:
    """Structure tags that the model does not know, letters it cannot read, and lyrics that are too long."""
    if tokens.unknown_tags:
        yield _warning(
            clip,
            msg(
                "its lyrics have structure tags or directions that the model does not know ({tags}); they are read as "
                "words",
                tags=tuple(tokens.unknown_tags[:5]),
            ),
            msg("Use [verse], [chorus], [bridge], [intro], [outro], [pre-chorus], [hook], [inst], [solo] or [break]."),
        )
    if tokens.unk_ratio > UNKNOWN_WARN:
        worst = max(tokens.lines, key=lambda line: line.unknown)
        yield _warning(
            clip,
            msg(
                "{share:.0%} of its lyrics' tokens are unknown to the model (most in «{line}», read as {language})",
                share=tokens.unk_ratio,
                line=worst.text[:40],
                language=worst.language,
            ),
            msg("Name the language (options.language, or [zh], [ja] … before a line), or write it in Latin letters."),
        )
    if tokens.cut:
        yield _warning(
            clip,
            msg(
                "its lyrics are {cut} tokens longer than the {limit} that the model reads",
                cut=tokens.cut,
                limit=MAX_LYRIC_TOKENS,
            ),
            msg("Shorten them, or cut the song into parts with their own lyrics."),
        )


def _warning(clip: str, message: Message, remedy: Message) -> Finding:
    return Finding(check="family_texts", level="warn", clip=clip, message=message, remedy=remedy)
