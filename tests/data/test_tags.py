"""One function parts captions into tags, wherever they come from."""

from __future__ import annotations

import pytest

from tunesmith.data.tags import join_tags, split_tags
from tunesmith.families.ace_step.tag_texts import prompt_text, tag_orders


@pytest.mark.parametrize("sign", [",", ";", "，", "、", "；", "\n", "\r\n", "\u2028", "،", "､"])
def test_tags_are_parted_by_commas_semicolons_and_lines(sign):
    assert split_tags(f"dark {sign} slow  trap{sign}{sign}") == ["dark", "slow trap"]


def test_a_sentence_is_one_tag():
    assert split_tags("A slow song about rain.") == ["A slow song about rain."]


def test_training_and_generation_read_the_tags_that_labels_hold():
    caption = "trap；dark\nslow、140 bpm"
    assert prompt_text(caption) == join_tags(split_tags(caption)) == "trap, dark, slow, 140 bpm"
    assert sorted(tag_orders(caption, 3)[2].split(", ")) == sorted(split_tags(caption))
