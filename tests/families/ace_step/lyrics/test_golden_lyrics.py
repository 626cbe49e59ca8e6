"""Reference token ids; those need the published vocabulary beside ``lyrics.json``, the cleaned texts do not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.families.ace_step.lyrics.choices import CHOICES, Choice
from tests.golden_files import FOLDER, golden_path
from tunesmith.families.ace_step.lyrics.clean import clean
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED
from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer

for _library in ("num2words", "pypinyin", "hangul_romanize", "py3langid"):
    pytest.importorskip(_library)


def _reference() -> dict[str, Any]:
    path = FOLDER / "ace_step" / "lyrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"core": [], "songs": []}


REFERENCE = _reference()
LINES = [pytest.param(line, id=f"{line['lang']}-{line['text']}") for line in REFERENCE["core"]]
SONGS = [pytest.param(song, id=song["lyrics"][:30]) for song in REFERENCE["songs"]]


@pytest.fixture(scope="module")
def published() -> LyricTokenizer:
    return LyricTokenizer(golden_path("ace_step/lyric_vocab.json"))


def _japanese(texts: str) -> None:
    if re.search("[\u3041-\u30ff]", texts):
        pytest.importorskip("cutlet")
        pytest.importorskip("unidic_lite")


@pytest.mark.parametrize("line", LINES)
def test_golden_clean_text(line: dict[str, Any]) -> None:
    _japanese(line["text"])
    assert clean(line["text"], line["lang"]) == line["clean"]


@pytest.mark.parametrize("line", LINES)
def test_golden_line_ids(line: dict[str, Any], published: LyricTokenizer) -> None:
    _japanese(line["text"])
    assert published.encode_line(line["text"], line["lang"]) == line["ids"]


def test_golden_markers(published: LyricTokenizer) -> None:
    entries = published._tokenizer.get_vocab(with_added_tokens=True)
    assert {marker: entries.get(marker) for marker in REFERENCE["special_tokens"]} == REFERENCE["special_tokens"]


@pytest.mark.parametrize("song", SONGS)
def test_golden_inference_ids_follow_from_its_languages(song: dict[str, Any], published: LyricTokenizer) -> None:
    """Given upstream's language for each line, the line function and the sequence are upstream's."""
    _japanese(song["lyrics"])
    ids = [published.start]
    for _, _, line in _inference_lines(song, published):
        ids += [*line, published.line_end]
    assert ids == song["pipeline"]


@pytest.mark.parametrize("song", SONGS)
def test_golden_lines_in_the_same_language_have_the_same_ids(song: dict[str, Any], published: LyricTokenizer) -> None:
    _japanese(song["lyrics"])
    ours = {(line.text, line.language): list(line.ids) for line in published.encode(song["lyrics"]).lines}
    for text, language, ids in _inference_lines(song, published):
        if not text.startswith("["):
            assert ours.get((text, language), ids) == ids


@pytest.mark.parametrize("song", SONGS)
def test_golden_no_more_unknown_tokens_than_inference_has(song: dict[str, Any], published: LyricTokenizer) -> None:
    _japanese(song["lyrics"])
    tokens = published.encode(song["lyrics"])
    assert tokens.unknown <= song["pipeline_unk"]
    assert tokens.cut == 0


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.lyrics[:30])
def test_golden_whom_we_follow(choice: Choice, published: LyricTokenizer) -> None:
    _japanese(choice.lyrics)
    song = next((song for song in REFERENCE["songs"] if song["lyrics"] == choice.lyrics), None)
    if song is None:
        pytest.skip("this set has other lyrics")
    ids = list(published.encode(choice.lyrics).ids)
    same = tuple(name for name in ("pipeline", "dataset") if song.get(name) == ids)
    assert same == {"both": ("pipeline", "dataset"), "inference": ("pipeline",), "own": ()}[choice.follows], choice.why


def _inference_lines(song: dict[str, Any], published: LyricTokenizer) -> list[tuple[str, str, list[int]]]:
    """Text, language and ids of every line in upstream's inference: English for tags and unsupported languages."""
    lines = []
    for text, found in zip(song["lyrics"].split("\n"), song["per_line_lang_pipeline"], strict=True):
        line = text.strip()
        language = found if found in SUPPORTED and not re.match(r"\[.*?\]", line) else "en"
        lines.append((line, language, published.encode_line(line, language) if line else []))
    return lines
