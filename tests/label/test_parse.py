from __future__ import annotations

import json
from typing import Any

import pytest

from tests.label.answers import GOOD, good
from tunesmith.data.labels import ClipMeasurements
from tunesmith.data.tags import join_tags, split_tags
from tunesmith.label.parse import UnusableAnswerError, parse_answer, quotation
from tunesmith.label.schema import Recaption, json_schema
from tunesmith.label.tags import built_tags, with_measured


@pytest.mark.parametrize(
    "answer",
    [
        good(),
        f"```json\n{good()}\n```",
        f"Here it is:\n{good()}\nDo you want more {{detail}}?",
        f"<think>Maybe {{house}}? No.</think>\n{good()}",
        f"the template opened the thought {{ }}</think>{good()}",
        json.dumps(GOOD, indent=2),
    ],
)
def test_an_answer_is_read_whatever_stands_around_it(answer: str) -> None:
    assert parse_answer(answer).model_dump() == GOOD


def test_braces_and_quotes_inside_strings_do_not_end_the_object() -> None:
    assert parse_answer(good(simplified='a "}" \\ {b')).simplified == 'a "}" \\ {b'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I hear a trap beat.", "no JSON object"),
        ("", "no JSON object"),
        (f"<think>{good()}", "no JSON object"),
        (good()[:-1], "not closed"),
        ("{not json}", "^Invalid JSON"),
        (good(descriptive="x" * 201), "`descriptive`.*200"),
        (good(simplified="  "), "`simplified`"),
        (good(extra=1), "`extra`"),
        (good(lyrical_rap_check="yes"), "`lyrical_rap_check`"),
        (good(analysis={**GOOD["analysis"], "genre": []}), "`analysis.genre`"),
        (good(analysis={**GOOD["analysis"], "genre": ["g"] * 7}), "`analysis.genre`"),
        (good(analysis={**GOOD["analysis"], "instruments": ["i"] * 13}), "`analysis.instruments`"),
        (good(analysis={**GOOD["analysis"], "mood": ["m"] * 7}), "`analysis.mood`"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "use_cases"}), "`use_cases`.*required"),
    ],
)
def test_what_is_wrong_is_named(answer: str, why: str) -> None:
    with pytest.raises(UnusableAnswerError, match=why):
        parse_answer(answer)


def test_a_description_that_quotes_six_words_of_the_lyrics_is_refused() -> None:
    lyrics = "[Verse 1]\nI walk the line at midnight,\n[Chorus]\nand nobody's there to see\n"
    quoting = good(descriptive="A voice says: walk the line, at midnight AND nobody’s there, over drums.")
    with pytest.raises(UnusableAnswerError, match="walk the line at midnight and nobody's there”"):
        parse_answer(quoting, lyrics)
    assert parse_answer(quoting, "another song altogether").descriptive.startswith("A voice")
    assert parse_answer(good(descriptive="They walk the line at dusk."), lyrics)


def test_letters_of_chinese_count_as_words() -> None:
    assert quotation("电子鼓点里有人唱月亮代表我的心", "你问我爱你有多深，月亮代表我的心") == "月 亮 代 表 我 的 心"
    assert quotation("月亮代表着夜晚", "月亮代表我的心") == ""


def test_the_schema_forbids_what_the_check_forbids() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(GOOD)
    assert schema["properties"]["descriptive"]["maxLength"] == 200


def test_tags_are_what_was_heard_then_what_was_measured() -> None:
    measured = ClipMeasurements(8.0, bpm=149.75, key="A minor", words=("energetic",))
    found = Recaption.model_validate(GOOD)
    assert join_tags(built_tags(measured, found)) == ("trap, hip hop, 808 bass, hi hats, bells, dark, 150 bpm, A minor")
    assert built_tags(measured, None) == ["energetic", "150 bpm", "A minor"]
    assert built_tags(ClipMeasurements(8.0), None) == []


def test_tags_hold_no_commas_and_come_once() -> None:
    analysis: dict[str, Any] = {**GOOD["analysis"], "genre": ["Trap, drill", "trap"], "mood": []}
    found = Recaption.model_validate({**GOOD, "analysis": analysis})
    assert built_tags(ClipMeasurements(8.0), found) == ["Trap", "drill", "808 bass", "hi hats", "bells"]
    assert split_tags("陷阱，黑暗、缓慢; bells,,\nslow ") == ["陷阱", "黑暗", "缓慢", "bells", "slow"]


def test_the_measured_tempo_replaces_the_claim_and_nothing_else() -> None:
    found = Recaption.model_validate(GOOD)
    assert with_measured(found, ClipMeasurements(8.0)) == found
    changed = with_measured(found, ClipMeasurements(8.0, bpm=149.75)).model_dump()
    assert changed == {**GOOD, "analysis": {**GOOD["analysis"], "tempo": "150 bpm"}}
