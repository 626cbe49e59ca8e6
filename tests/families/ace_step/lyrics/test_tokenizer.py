"""Whole lyrics, good and bad, with the small vocabulary."""

from __future__ import annotations

import time

import pytest

from tests.families.ace_step.lyrics.make_small_vocab import FILE, PUBLISHED_IDS, make_small_vocab
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import MAX_LYRIC_TOKENS
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED
from tunesmith.families.ace_step.lyrics.structure import TAGS
from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer


def _id(small: LyricTokenizer, marker: str) -> int:
    return small._tokenizer.get_vocab(with_added_tokens=True)[marker]


def test_the_small_vocabulary_is_what_its_script_makes(small: LyricTokenizer) -> None:
    entries = small._tokenizer.get_vocab(with_added_tokens=True)
    assert sorted(entries.values()) == list(range(len(entries)))
    assert {marker: entries[marker] for marker in PUBLISHED_IDS} == PUBLISHED_IDS
    assert make_small_vocab() == FILE.read_text(encoding="utf-8")


def test_start_language_text_and_line_end(small: LyricTokenizer) -> None:
    tokens = small.encode("[Verse 1]\noh sing\n\nmore", "en")
    en, end = _id(small, "[en]"), small.line_end
    sing = small.encode_line("oh sing", "en")
    more = small.encode_line("more", "en")
    assert sing[0] == en and small.line_end in sing, "a space inside a line is the same token as a line's end"
    assert list(tokens.ids) == [small.start, en, _id(small, "[verse]"), end, *sing, end, end, *more, end]
    assert (tokens.unknown, tokens.unknown_tags, tokens.cut, tokens.unk_ratio) == (0, (), 0, 0.0)


@pytest.mark.parametrize("nothing", ["", " \t", "\n\n", "\r\n \r\n", "\ufeff", "\u200b\n\u200b", "\x00"])
def test_no_lyrics_are_no_ids(nothing: str, small: LyricTokenizer) -> None:
    tokens = small.encode(nothing)
    assert (tokens.ids, tokens.sections, tokens.lines, tokens.unk_ratio) == ((), (), (), 0.0)


def test_only_tags(small: LyricTokenizer) -> None:
    tokens = small.encode("[Intro]\n[Instrumental]\n[End]")
    tags = [_id(small, name) for name in ("[intro]", "[inst]", "[end]")]
    en = _id(small, "[en]")
    assert list(tokens.ids) == [small.start, *(one for tag in tags for one in (en, tag, small.line_end))]
    assert tokens.sections == (1, 4, 7)
    assert tokens.section_lines == (4, 4, 4)


def test_the_same_words_however_they_were_saved(small: LyricTokenizer) -> None:
    plain = "[verse]\ncafé on the hill\noh  sing it"
    clumsy = "\ufeff[Verse 1]\r\ncafe\u0301\ton the\u200b hill \r\n\u00a0oh sing it\x00\r\n\r\n"
    assert small.encode(clumsy).ids == small.encode(plain).ids


def test_unknown_tags_and_characters_are_reported(small: LyricTokenizer) -> None:
    tokens = small.encode("[Drop]\nla ☃☃ la\n[Drop]\nla [laughs] la\n[ja]", "en")
    assert tokens.unknown_tags == ("[Drop]", "[laughs]", "[ja]")
    assert tokens.lines[1].unknown == 2
    assert tokens.unknown == sum(line.unknown for line in tokens.lines) == list(tokens.ids).count(small.unknown)
    assert 0 < tokens.unk_ratio < 1


@pytest.mark.parametrize("lyrics", ["Γεια σου κόσμε", "สวัสดีชาวโลก", "שלום עולם", "🎵🎵", "한" * 3 + "ᄀ", "\ud800"])
def test_what_has_no_token_is_counted_not_fatal(lyrics: str, small: LyricTokenizer) -> None:
    tokens = small.encode(lyrics, "en")
    assert tokens.unk_ratio > 0.8


def test_a_language_asked_for_holds_but_not_for_tags_and_marked_lines(small: LyricTokenizer) -> None:
    tokens = small.encode("[verse]\nla la\n[fr] la la", "de")
    assert [line.language for line in tokens.lines] == ["en", "de", "fr"]
    assert [line.ids[0] for line in tokens.lines] == [_id(small, f"[{code}]") for code in ("en", "de", "fr")]
    assert small.encode("la", " AUTO ").lines[0].language == small.encode("la", "").lines[0].language == "en"


def test_an_unsupported_language_asked_for_is_refused(small: LyricTokenizer) -> None:
    with pytest.raises(TunesmithError, match=r"options\.language.*'fi'.*Use one of en, de"):
        small.encode("moi", "fi")
    with pytest.raises(TunesmithError):
        small.encode("", "fi")


def test_words_cannot_forge_markers(small: LyricTokenizer) -> None:
    for text in ("[STOP]", "[START] la", "la [UNK] [SPACE] la"):
        ids = small.encode(text, "en").ids
        assert ids.count(small.start) == 1
        assert _id(small, "[STOP]") not in ids


def test_the_limit_cuts_and_says_so(small: LyricTokenizer) -> None:
    lyrics = "\n".join(f"[verse]\n{'la ' * 200}" for _ in range(20))
    tokens = small.encode(lyrics, "en")
    assert len(tokens.ids) == MAX_LYRIC_TOKENS
    assert tokens.cut == 1 + sum(len(line.ids) + 1 for line in tokens.lines) - MAX_LYRIC_TOKENS > 0
    assert len(tokens.section_lines) == 20 > len(tokens.sections)
    assert all(tokens.ids[begin + 1] == _id(small, "[verse]") for begin in tokens.sections[:-1])


def test_sections_begin_at_known_tags(small: LyricTokenizer) -> None:
    tokens = small.encode("oh\nla\n[Verse]\none\n\n[Drop]\ntwo\n[Chorus] three", "en")
    starts = [tokens.ids[begin + 1] for begin in tokens.sections[1:]]
    assert tokens.sections[0] == 1
    assert starts == [_id(small, "[verse]"), _id(small, "[chorus]")]
    assert tokens.section_lines == (2, 2, 1)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("I left 3 windows open all night, why did nobody ask", 1.0),
        ("全世界 都在 train neural network 我们 一起 唱歌", 1.0),
        ("별빛이 흐르는 다리를 건너 사랑해요", 1.0),
        ("la [verse] [ja] [", 1.0),
        ("1.2,3$", 4.0),  # nothing but amounts, each said in words
    ],
)
@pytest.mark.parametrize("joint", ["\n", " "])
def test_fifty_kilobytes_take_no_time(line: str, seconds: float, joint: str, small: LyricTokenizer) -> None:
    for library in ("num2words", "pypinyin", "hangul_romanize", "py3langid"):
        pytest.importorskip(library)
    small.encode(line)  # loads the libraries
    lyrics = joint.join([line] * (50_000 // len(line.encode())))
    before = time.process_time()
    tokens = small.encode(lyrics)
    assert time.process_time() - before < seconds
    assert len(tokens.ids) == MAX_LYRIC_TOKENS


def test_every_language_and_tag_has_its_token(small: LyricTokenizer) -> None:
    for language in SUPPORTED:
        if language == "ja":
            continue  # needs a dictionary, see the table of whole lyrics
        if language == "zh":
            pytest.importorskip("pypinyin")
        marker = "[zh-cn]" if language == "zh" else f"[{language}]"
        assert small.encode("la", language).ids[1] == _id(small, marker)
    for tag in TAGS:
        assert small.encode(f"[{tag}]").ids == (small.start, _id(small, "[en]"), _id(small, f"[{tag}]"), small.line_end)
