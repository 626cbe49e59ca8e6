"""What the checks say about captions and lyrics before anything is trained on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer
from tunesmith.families.ace_step.text_checks import caption_findings, lyric_findings

VOCABULARY = Path(__file__).parent / "lyrics" / "small_vocab.json"


@pytest.fixture(scope="module")
def tokenizer():
    return LyricTokenizer(VOCABULARY)


def said(tokenizer, lyrics):
    return [str(finding.message) for finding in lyric_findings("a.mp3", tokenizer.encode(lyrics, "en"))]


def test_sound_lyrics_are_passed_over(tokenizer):
    assert said(tokenizer, "[verse]\nla la la\n[chorus]\nla la") == []
    assert said(tokenizer, "") == []


def test_unknown_tags_letters_and_lengths_are_named(tokenizer):
    (tags,) = said(tokenizer, "[guitar fireworks]\nla la la la la la la la la la la la la la la la la la la la la la")
    assert "guitar fireworks" in tags
    assert any("unknown to the model" in message for message in said(tokenizer, "☃☃☃ ☃☃ ☃"))
    assert any("longer than the 4096" in message for message in said(tokenizer, "la la la la la\n" * 2000))


def test_a_long_caption_is_named_with_its_length():
    assert list(caption_findings("a", 256)) == []
    (finding,) = caption_findings("a", 300)
    assert finding.value == 300 and "first 256" in str(finding.message)
    assert finding.message.render("zh") != str(finding.message)
