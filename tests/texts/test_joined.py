"""Messages made of parts, and errors as messages."""

from __future__ import annotations

import pytest

from tunesmith.errors import TunesmithError, message_of
from tunesmith.texts import Message, all_of, any_of, as_message, in_lines, msg, with_remedy

CLIP, CAPTION, CHECK = msg("this clip"), msg("this clip has no caption"), msg("Check the path.")


@pytest.mark.parametrize(
    ("parts", "both", "either", "chinese"),
    [
        ([], "", "", ""),
        (["a"], "a", "a", "a"),
        (["a", "b"], "a and b", "a or b", "a 和 b"),
        (["a", CLIP, "c"], "a, this clip and c", "a, this clip or c", "a、该片段 和 c"),
    ],
)
def test_lists(parts, both, either, chinese):
    assert (str(all_of(parts)), str(any_of(parts)), all_of(parts).render("zh")) == (both, either, chinese)


def test_what_happened_and_what_to_do_about_it():
    said = with_remedy(CAPTION, CHECK)
    assert str(said) == "this clip has no caption. Check the path."
    assert said.render("zh") == "该片段没有文字描述。请检查路径。"
    assert with_remedy(CAPTION, as_message(None)) == with_remedy(CAPTION, None) == CAPTION


def test_lines():
    assert str(in_lines([CLIP, CAPTION, CHECK])) == "this clip\n  this clip has no caption\n  Check the path."
    assert in_lines([CLIP, CHECK]).render("zh") == "该片段\n  请检查路径。"
    assert in_lines([CLIP]) == CLIP
    assert not in_lines([])


def test_an_exception_says_the_message_that_it_carries():
    assert message_of(ValueError(CAPTION)) == message_of(TunesmithError(CAPTION)) == CAPTION
    assert str(ValueError(CAPTION)) == "this clip has no caption"
    assert message_of(ValueError("a {b}")).render("zh") == "a {b}"
    assert not message_of(ValueError())


def test_errors_are_said_in_the_reader_s_language_as_far_as_they_are_messages():
    plain = TunesmithError("it is gone.", where="a.wav", remedy="Find it.")
    assert str(plain) == plain.message.render("zh") == "a.wav: it is gone. Find it."
    said = TunesmithError(CAPTION, where="a.wav", remedy=CHECK)
    assert str(said) == "a.wav: this clip has no caption. Check the path."
    assert said.message.render("zh") == "a.wav：该片段没有文字描述。请检查路径。"
    assert TunesmithError(CAPTION).message == CAPTION
    assert str(TunesmithError("it is gone.")) == "it is gone."


def test_a_record_whose_values_are_not_those_of_its_sentence_says_what_was_written():
    record = {"id": "{share:.0%} of it", "values": {"share": "much"}, "text": "40% of it"}
    assert str(Message.from_json(record)) == str(Message.from_json({**record, "values": {"part": 0.4}})) == "40% of it"
    with pytest.raises(ValueError, match="no sentence"):
        Message.from_json(3)  # type: ignore[arg-type]
