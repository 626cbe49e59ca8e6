from __future__ import annotations

import re
from importlib import resources
from string import Formatter

import pytest

from tunesmith.report import texts
from tunesmith.report.signal_texts import SIGNALS
from tunesmith.report.texts import TEXTS, Both, both, say, signal, word

ROOT = resources.files("tunesmith.report")
TEMPLATES = {p.name: p.read_text("utf-8") for p in (ROOT / "templates").iterdir() if p.name.endswith(".j2")}
CODE = {p.name: p.read_text("utf-8") for p in ROOT.iterdir() if p.name.endswith(".py")}


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_sentence_stands_in_both_languages_with_the_same_places():
    for key, (en, zh) in TEXTS.items():
        assert en.strip(), key
        assert zh.strip(), key
        assert fields(en) == fields(zh), key
        assert not re.search("[\u4e00-\u9fff]", en), key


def test_signals_have_both_languages():
    for en, zh, _ in SIGNALS.values():
        assert en
        assert re.search("[\u4e00-\u9fff]", zh)


def test_every_measured_signal_has_a_name():
    from dataclasses import fields as fields_of

    from tunesmith.evaluation.signals import Signals

    assert {field.name for field in fields_of(Signals)} <= set(SIGNALS)


def test_every_key_that_is_asked_for_exists():
    asked = {key for text in CODE.values() for key in re.findall(r'\bsay\(\s*"(\w+)"', text)}
    for text in TEMPLATES.values():
        asked |= {key for key in re.findall(r"\bt\('(\w+)'", text) if not key.endswith("_")}
        asked |= {key for pair in re.findall(r"\bt\('(\w+)' if [^)]*? else '(\w+)'\)", text) for key in pair}
    assert len(asked) > 80
    assert asked <= set(TEXTS)


def test_no_sentence_is_left_over():
    families = ("sec_", "kind_", "finding_", "status_", "level_", "event_", "gate_", "stage_", "split_", "weights_")
    families += ("side_", "curve_", "clips_", "direction_", "problem_")  # their keys are put together from data
    elsewhere = "".join(text for name, text in (CODE | TEMPLATES).items() if name != "texts.py")
    quoted = set(re.findall(r"""["'](\w+)["']""", elsewhere))
    assert [key for key in TEXTS if key not in quoted and not key.startswith(families)] == []


def test_both_takes_either_shape_and_lets_one_language_stand_in():
    assert both({"m": "a", "m_zh": "甲"}, "m") == Both("a", "甲")
    assert both({"m": {"en": "a", "zh": "甲"}}, "m") == Both("a", "甲")
    assert both({"m": "a"}, "m") == Both("a", "a")
    assert both({"m": "", "m_zh": "甲"}, "m") == Both("甲", "甲")
    assert both({"m": 3}, "m") is None
    assert both(None, "m") is None


def test_unknown_terms_stand_as_they_are():
    assert word("level", "error") == Both("error", "错误")
    assert word("level", "odd") == Both("odd", "odd")
    assert signal("my_number") == Both("my_number", "my_number")
    assert signal("tempo_bpm") == Both("tempo, BPM", "速度（BPM）")
    assert signal(["x"]).en == "['x']"


def test_values_with_braces_are_not_formatted_again():
    assert say("title", name="{oops}").en == "Report on {oops}"
    with pytest.raises(KeyError):
        texts.say("no such key")
