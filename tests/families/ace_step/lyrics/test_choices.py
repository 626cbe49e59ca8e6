"""The table of whole lyrics, checked without upstream's vocabulary."""

from __future__ import annotations

import re

import pytest

from tests.families.ace_step.lyrics.choices import CHOICES, Choice
from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer

for _library in ("pypinyin", "hangul_romanize", "py3langid"):
    pytest.importorskip(_library)


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.lyrics[:30])
def test_every_line_is_read_as_the_table_says(choice: Choice, small: LyricTokenizer) -> None:
    if re.search("[\u3041-\u30ff]", choice.lyrics):
        pytest.importorskip("cutlet")
    tokens = small.encode(choice.lyrics)
    assert tuple((line.language, line.cleaned) for line in tokens.lines if line.text) == choice.lines
    expected = [small.start] if choice.lines else []
    for line in tokens.lines:
        expected += [*line.ids, small.line_end]
    assert list(tokens.ids) == expected
