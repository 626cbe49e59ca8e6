"""The whole lyrics of ``lyrics.json``: how we read them, whom we follow and why.

Upstream has two tokenizers, one in inference and one in training, and they rarely agree. We keep inference's sequence,
``[START]`` and each line's ids with one ``[SPACE]`` after them, for both; training's extra ``[SPACE]`` after a tag and
between languages is in none of ours. ``follows`` says whose ids we give: ``both``, ``inference``, or ``own`` where we
differ from both, for the reason given. (The seventeenth, a long bilingual song, is ``own`` for the reasons of the first
two and of ``[Verse 1]``: no unknown token, where inference has 34 and training 16.)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    lyrics: str
    lines: tuple[tuple[str, str], ...]  # language, cleaned text; blank lines left out
    follows: str
    why: str


VERSE, CHORUS = ("en", "[verse]"), ("en", "[chorus]")
CHOICES = (
    Choice(
        "[Verse]\nLately I've been wondering\nWhy do I do this to myself\n\n[Chorus]\nIt makes me want to cry",
        (
            VERSE, ("en", "lately i've been wondering"), ("en", "why do i do this to myself"),
            CHORUS, ("en", "it makes me want to cry"),
        ),
        "own",
        "inference takes the first line for Dutch; one language is found for all Latin lines together",
    ),
    Choice(
        "[verse]\n你好 世界 我们 一起 唱歌\n[chorus]\n全世界 都在 train neural network",
        (
            VERSE, ("zh", "ni3hao3 shi4jie4 wo3men5 yi4qi3 chang4ge1"),
            CHORUS, ("zh", "quan2shi4jie4 dou1zai4 train neural network"),
        ),
        "own",
        "inference takes the mixed line for Finnish, so English, and loses its Chinese; Han with Latin words is zh",
    ),
    Choice(
        "[verse]\nこんにちは世界\n桜が咲く",
        (VERSE, ("ja", "konnichiha sekai"), ("ja", "sakura ga saku")),
        "inference",
        "training adds a [SPACE] after the tag",
    ),
    Choice(
        "[verse]\n안녕하세요 세상\n사랑해요",
        (VERSE, ("ko", "annyeonghase-yo sesang"), ("ko", "salanghae-yo")),
        "inference",
        "training adds a [SPACE] after the tag",
    ),
    Choice("[inst]", (("en", "[inst]"),), "both", "a tag alone"),
    Choice("[instrumental]", (("en", "[inst]"),), "own", "both spell it out between two [UNK]; it means [inst]"),
    Choice("[pre-chorus]", (("en", "[pre-chorus]"),), "inference", "training takes it for Slovak and fails"),
    Choice(
        "[Verse 1]\nhello world",
        (VERSE, ("en", "hello world")),
        "own",
        "both spell the numbered tag out between two [UNK]; the number is left off",
    ),
    Choice(
        "Hello 你好 World",
        (("zh", "hello ni3hao3 world"),),
        "inference",
        "training cuts the line into three with a [SPACE] between them",
    ),
    Choice("", (), "own", "inference says [START] [SPACE], training [START]; no lyrics are no ids"),
    Choice(
        "Bonjour le monde\nJe t'aime",
        (("fr", "bonjour le monde"), ("fr", "je t'aime")),
        "own",
        "inference takes the second line for English; training agrees on French but adds a [SPACE]",
    ),
    Choice(
        "Привет мир\nЯ люблю тебя", (("ru", "привет мир"), ("ru", "я люблю тебя")), "both", "one script, no tags"
    ),
    Choice(
        "Xin chào thế giới\nTôi yêu bạn rất nhiều",
        (("en", "xin chào thế giới"), ("en", "tôi yêu bạn rất nhiều")),
        "inference",
        "Vietnamese has no token: English, with the share of [UNK] reported; training fails",
    ),
    Choice(
        "Minä rakastan sinua\nTänään on kaunis päivä",
        (("en", "minä rakastan sinua"), ("en", "tänään on kaunis päivä")),
        "inference",
        "Finnish has no token: English; training fails",
    ),
    Choice("la la la la", (("en", "la la la la"),), "own", "both say Spanish; fewer than three words are not judged"),
    Choice(
        "[Bridge] la la la",
        (("en", "[bridge]"), ("en", "la la la")),
        "own",
        "inference encodes tag and words as one English line, whatever their language; we make two lines",
    ),
)  # fmt: skip
