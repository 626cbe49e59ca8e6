"""What ACE-Step's two tokenisers say about a clip's texts before anything is trained on them."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.findings import Finding
from tunesmith.families.ace_step.config import MAX_LYRIC_TOKENS, MAX_PROMPT_TOKENS
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED, marked_language
from tunesmith.families.ace_step.lyrics.tokens import LyricTokens

UNKNOWN_WARN = 0.05
"""Share of lyric tokens without an entry in the vocabulary from which a clip is named."""


def caption_findings(clip: str, tokens: int) -> Iterator[Finding]:
    """A caption of more tokens than the text encoder reads."""
    if tokens > MAX_PROMPT_TOKENS:
        yield Finding(
            check="family_texts",
            level="warn",
            clip=clip,
            message=f"its caption (or a recaption) has {tokens} tokens; the model reads the first {MAX_PROMPT_TOKENS}",
            value=tokens,
            limit=MAX_PROMPT_TOKENS,
            unit="tokens",
            remedy="Shorten it, the most telling tags first.",
            message_zh=f"它的描述有 {tokens} 个词元；模型只读前 {MAX_PROMPT_TOKENS} 个",
            remedy_zh="请缩短描述，把最有代表性的标签放在前面。",
        )


def language_findings(clip: str, own: str) -> Iterator[Finding]:
    """A clip's own language that the model's vocabulary does not have."""
    if own and marked_language(own.strip()) is None:
        yield _warning(
            clip,
            f"its language “{own}” is none that the model knows; the lyrics are read as the recipe says",
            f"Use one of {', '.join(SUPPORTED)}, or leave it out.",
            f"模型没有它标明的语言“{own}”，歌词将按配方中的设置读取",
            f"请使用 {', '.join(SUPPORTED)} 之一，或不写。",
        )


def lyric_findings(clip: str, tokens: LyricTokens) -> Iterator[Finding]:
    """Structure tags that the model does not know, letters it cannot read, and lyrics that are too long."""
    if tokens.unknown_tags:
        shown = ", ".join(tokens.unknown_tags[:5])
        yield _warning(
            clip,
            f"its lyrics have structure tags that the model does not know ({shown}); they are spelt out",
            "Use [verse], [chorus], [bridge], [intro], [outro], [pre-chorus], [hook], [inst], [solo] or [break].",
            f"歌词中有模型不认识的结构标签（{shown}），将被逐字拼读",
            "请使用 [verse]、[chorus]、[bridge]、[intro]、[outro]、[pre-chorus]、[hook]、[inst]、[solo] 或 [break]。",
        )
    if tokens.unk_ratio > UNKNOWN_WARN:
        worst = max(tokens.lines, key=lambda line: line.unknown)
        yield _warning(
            clip,
            f"{tokens.unk_ratio:.0%} of its lyrics' tokens are unknown to the model "
            f"(most in «{worst.text[:40]}», read as {worst.language})",
            "Name the language (options.language, or [zh], [ja] … before a line), or write it in Latin letters.",
            f"歌词中 {tokens.unk_ratio:.0%} 的词元模型不认识（最多的一行：«{worst.text[:40]}»，"
            f"按 {worst.language} 读取）",
            "请指定语言（options.language，或在行首写 [zh]、[ja] 等），或改用拉丁字母书写。",
        )
    if tokens.cut:
        yield _warning(
            clip,
            f"its lyrics are {tokens.cut} tokens longer than the {MAX_LYRIC_TOKENS} that the model reads",
            "Shorten them, or cut the song into parts with their own lyrics.",
            f"歌词超出模型可读的 {MAX_LYRIC_TOKENS} 个词元，多出 {tokens.cut} 个",
            "请缩短歌词，或把歌曲切成几段并各配歌词。",
        )


def _warning(clip: str, message: str, remedy: str, message_zh: str, remedy_zh: str) -> Finding:
    return Finding("family_texts", "warn", clip, message, remedy=remedy, message_zh=message_zh, remedy_zh=remedy_zh)
