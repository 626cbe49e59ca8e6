"""Tags and lines of a lyric as people write them."""

from __future__ import annotations

import pytest

from tunesmith.families.ace_step.lyrics.structure import TAGS, canonical_tag, pieces, tidy


@pytest.mark.parametrize("tag", TAGS)
def test_the_vocabularys_tags_are_themselves(tag: str) -> None:
    assert canonical_tag(tag) == canonical_tag(tag.upper()) == canonical_tag(f"{tag} 2") == tag


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("Verse 2", "verse"), ("Verse2", "verse"), ("VERSE IV", "verse"), ("Verse two", "verse"), ("Verse B", "verse"),
        ("2nd Verse", "verse"), ("Verse 1: Ann & Bo", "verse"), ("Chorus - whispered", "chorus"),
        ("Chorus (x2)", "chorus"), ("Chorus x2", "chorus"), ("Final Chorus", "chorus"), ("Refrain", "chorus"),
        ("Post-Chorus", "chorus"), ("Hook", "hook"), ("Pre-Chorus 2", "pre-chorus"), ("Prechorus", "pre-chorus"),
        ("pre chorus", "pre-chorus"), ("Instrumental", "inst"), ("Interlude", "inst"), ("Guitar Solo", "solo"),
        ("Verse two whispered", "verse"), ("Instrumental Intro", "intro"), ("Ending", "outro"),
        ("主歌", "verse"), ("主歌1", "verse"), ("主歌二", "verse"), ("副歌", "chorus"), ("前奏", "intro"),
        ("间奏", "inst"), ("尾奏", "outro"), ("サビ", "chorus"), ("Bメロ", "pre-chorus"), ("후렴", "chorus"),
    ],
)  # fmt: skip
def test_other_names_become_the_vocabularys(written: str, tag: str) -> None:
    assert canonical_tag(written) == tag


@pytest.mark.parametrize(
    "written", ["", "  ", "Drop", "laughs", "break it down", "I see the light of the end", "x" * 61, "123", "!"]
)
def test_other_brackets_are_no_tags(written: str) -> None:
    assert canonical_tag(written) is None


def _read(lyrics: str) -> list[tuple[str, str | None]]:
    return [(piece.text, piece.tag) for piece in pieces(lyrics)]


def test_a_tag_stands_on_a_line_of_its_own() -> None:
    assert _read("[Bridge] la la") == [("[Bridge]", "bridge"), ("la la", None)]
    assert _read("oh [chorus] yeah") == [("oh", None), ("[chorus]", "chorus"), ("yeah", None)]
    assert _read("[Verse][Rap] go") == [("[Verse]", "verse"), ("[Rap] go", None)]
    assert _read("【副歌】啦啦") == [("【副歌】", "chorus"), ("啦啦", None)]


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("Verse 1:", "verse"), ("VERSE 2", "verse"), ("Chorus", "chorus"), ("(Chorus)", "chorus"),
        ("（副歌）", "chorus"),
        ("(Chorus x2)", "chorus"), ("Chorus (repeat)", "chorus"), ("(Verse 1: Ann)", "verse"),
        ("Pre-Chorus:", "pre-chorus"),
        ("Guitar Solo:", "solo"), ("END:", "end"), ("**Bridge**", "bridge"), ("## Intro", "intro"),
        ("- Outro -", "outro"),
        ("主歌A：", "verse"), ("[主歌A]", "verse"), ("第二段主歌", "verse"), ("[副歌重复]", "chorus"), ("间奏", "inst"),
    ],
)  # fmt: skip
def test_a_section_needs_no_square_brackets(line: str, tag: str) -> None:
    assert _read(f"{line}\nla") == [(line, tag), ("la", None)]


def test_words_may_follow_the_name_of_a_section_that_is_sung() -> None:
    assert _read("Verse 1: hello world") == [("Verse 1:", "verse"), ("hello world", None)]
    assert _read("(Chorus) la la") == [("(Chorus)", "chorus"), ("la la", None)]


@pytest.mark.parametrize(
    "line",
    [
        "Bridge over troubled water", "(chorus of angels)", "(Hook me up)", "Break: it down", "She said: hello",
        "the end",
        "Break", "hook", "结束", "第一天", "(ooh)", "11:30", "the chorus",
    ],
)  # fmt: skip
def test_words_stay_words(line: str) -> None:
    assert [(piece.text, piece.tag, piece.unread) for piece in pieces(line)] == [(line, None, ())]


@pytest.mark.parametrize("line", ["Ann:", "(x2)", "(Spoken)", "(repeat this part)", "Teil 2:"])
def test_directions_that_are_not_understood_are_named(line: str) -> None:
    assert [(piece.text, piece.tag, piece.unread) for piece in pieces(line)] == [(line, None, (line,))]


def test_unknown_brackets_are_a_tag_at_the_start_and_text_elsewhere() -> None:
    first, second = pieces("[Ann] hello [laughs] you")
    assert (first.text, first.tag, first.known) == ("[Ann]", "ann", False)
    assert (second.text, second.tag, second.unread) == ("hello [laughs] you", None, ("[laughs]",))


def test_a_language_mark_holds_for_the_words_after_it() -> None:
    assert [(piece.text, piece.language) for piece in pieces("[ja]東京\n[ZH-cn] 东京 [en] Tokyo\n東京")] == [
        ("東京", "ja"), ("东京", "zh"), ("Tokyo", "en"), ("東京", None)
    ]  # fmt: skip


def test_a_mark_without_words_and_an_unsupported_mark_are_unknown_tags() -> None:
    assert [(piece.text, piece.tag, piece.known) for piece in pieces("[ja]")] == [("[ja]", "ja", False)]
    assert [(piece.text, piece.known, piece.language) for piece in pieces("[fi] moi")] == [
        ("[fi]", False, None), ("moi", False, None)
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"])
def test_line_ends_and_outer_blank_lines(end: str) -> None:
    lines = ["", "  ", "one", "", "two", "", ""]
    assert [piece.text for piece in pieces(end.join(lines))] == ["one", "", "two"]


def test_tidy_takes_off_what_neither_sounds_nor_shows() -> None:
    assert tidy("\ufeff\tla\u200b la\u00a0\u3000la\x00\u00ad \u202ela\u202c") == "la la la la"
    assert tidy("cafe\u0301") == "café"
    assert tidy("a\u200db") == "ab"
    assert tidy("क्\u200dष") == "क्\u200dष", "a joiner shapes Devanagari"
    assert tidy("a\ud800b") == "a\ufffdb"


def test_empty_brackets_and_unclosed_ones_are_text() -> None:
    assert _read("[] la") == [("[] la", None)]
    assert _read("[verse la") == [("[verse la", None)]
