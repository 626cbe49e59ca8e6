"""Messages: rendered late, kept as data, read back from records old and new."""

from __future__ import annotations

import json

import pytest

from tunesmith.texts import in_turn
from tunesmith.texts import message as module
from tunesmith.texts.message import Message, msg


@pytest.fixture
def chinese(monkeypatch):
    words = {
        "{clip} is silent for {share:.0%}": "{clip} 有 {share:.0%} 静音",
        "a": "甲",
        "b": "乙",
        "{list}": "{list}",
        ", ": "、",
    }
    monkeypatch.setattr(module, "translate", lambda template, language: words.get(template, template))


def test_a_sentence_is_put_into_words_in_the_reader_s_language(chinese):
    said = msg("{clip} is silent for {share:.0%}", clip="a.wav", share=0.25)
    assert str(said) == "a.wav is silent for 25%" and said.render("zh") == "a.wav 有 25% 静音"


def test_messages_within_messages_are_rendered_with_them(chinese):
    said = msg("{list}", list=(msg("a"), msg("b"), "c"))
    assert said.render() == "a, b, c" and said.render("zh") == "甲、乙、c"


def test_braces_in_a_sentence_without_values_stay():
    assert str(msg("write {name} here")) == "write {name} here"


def test_a_record_comes_back_as_it_was(chinese):
    said = msg("{list}", list=(msg("a"), "c"), number=1.5)
    record = json.loads(json.dumps(said.to_json()))
    assert record["text"] == "a, c" and Message.from_json(record) == said


def test_a_record_from_before_keeps_both_languages():
    old = Message.from_json({"en": "too quiet", "zh": "太轻"})
    assert (str(old), old.render("zh")) == ("too quiet", "太轻")
    assert Message.from_json(json.loads(json.dumps(old.to_json()))) == old
    assert str(Message.from_json("plain {words}")) == "plain {words}"


def test_a_large_number_is_told_in_full():
    said = msg(
        "{edge:.3g} Hz, {step:+.2g}, {rate:.1g}, {parts:g}, {huge:.3g}",
        edge=16000.0,
        step=-123.0,
        rate=5e-5,
        parts=2e6,
        huge=1e30,
    )
    assert str(said) == "16000 Hz, -123, 5e-05, 2000000, 1e+30"


def test_numbers_that_json_lacks_come_back_as_they_were():
    said = msg("from {base:.3f} to {adapter:+.1f}, {text}", base=float("nan"), adapter=float("-inf"), text="nan")
    record = json.loads(json.dumps(said.to_json(), allow_nan=False))
    assert record["values"] == {"base": "nan", "adapter": "-inf", "text": "nan"}
    again = Message.from_json(record)
    assert again.id == said.id
    assert str(again) == str(said) == "from nan to -inf, nan"


def test_a_message_whose_values_do_not_fit_is_its_own_text():
    record = {"id": "{share:.0%}", "values": {"share": None}, "text": "a quarter"}
    assert str(Message.from_json(record)) == "a quarter"
    with pytest.raises(ValueError, match="no sentence"):
        Message.from_json(3)  # type: ignore[arg-type]


def test_clauses_follow_one_another(monkeypatch):
    monkeypatch.setattr(module, "translate", lambda template, _: template.replace("; ", "；"))
    said = in_turn([msg("a"), msg("b"), msg("c")])
    assert str(said) == "a; b; c"
    assert said.render("zh") == "a；b；c"
    assert str(in_turn([])) == ""
