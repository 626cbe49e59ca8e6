"""Messages: rendered late, kept as data, read back from records old and new."""

from __future__ import annotations

import json

import pytest

from tunesmith.texts import message as module
from tunesmith.texts.message import Message, msg


@pytest.fixture
def chinese(monkeypatch):
    words = {"{clip} is silent for {share:.0%}": "{clip} 有 {share:.0%} 静音", "a": "甲", "b": "乙", "{list}": "{list}"}
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


def test_a_number_that_was_not_finite_is_said_although_json_has_none():
    said = Message.from_json({"id": "loss {loss:.2f}, {share:.0%}", "values": {"loss": None, "share": None}})
    assert str(said) == "loss nan, nan%"
