"""Whisper in CTranslate2's format, converted from one of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.speech.talk import RATE, talk
from tests.speech import tiny_whisper
from tunesmith.errors import TunesmithError
from tunesmith.speech.compact_whisper import CompactWhisper, is_compact
from tunesmith.speech.transcribe import Transcriber, transcriber

SAID = "the rain came down, and the dog slept"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    converters = pytest.importorskip("ctranslate2.converters")
    root = tmp_path_factory.mktemp("whisper")
    source = tiny_whisper.save(root / "source", positions=448)
    target = root / "whisper-compact"
    converters.TransformersConverter(str(source)).convert(str(target))
    (target / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    settings = json.loads((source / "generation_config.json").read_text())
    for key in ("lang_to_id", "task_to_id"):
        del settings[key]
    settings["is_multilingual"] = False  # as CTranslate2 takes small vocabularies
    (source / "generation_config.json").write_text(json.dumps(settings))
    return target


def test_a_folder_is_heard_by_its_format(folder, tmp_path):
    assert is_compact(folder) and not is_compact(folder.parent / "source")
    found = transcriber(str(folder))
    assert found is not None and found.name == "whisper-compact"
    heard = found.transcribe(talk(SAID), RATE, "en")
    assert heard and heard == found.transcribe(talk(SAID)[0], RATE, "en")
    assert found.understands("hello") and not found.understands("你好")


def test_it_hears_what_the_same_weights_hear_through_transformers(folder):
    one = Transcriber(folder, "compact").transcribe(talk(SAID), RATE, "en")
    other = Transcriber(folder.parent / "source", "whole").transcribe(talk(SAID), RATE, "en")
    assert one[:8] == other[:8] and len(one) > 3


def test_a_long_recording_is_heard_to_its_end(folder):
    audio = np.tile(talk(SAID), 18)
    assert audio.shape[1] > 35 * RATE
    assert Transcriber(folder, "compact").transcribe(audio, RATE, "zh")


@pytest.fixture
def until(folder):
    made = CompactWhisper(folder)
    first = made._ids["<|0.00|>"]
    return lambda *tokens: made._until_last_time([t if t < 100 else first + t - 100 for t in tokens])


def test_what_follows_the_last_pair_of_times_is_heard_again(until):
    tokens, seconds = until(100, 1, 2, 300, 300, 3, 4)  # 0.00, words, 4.00 4.00, and words that are cut off
    assert len(tokens) == 4 and seconds == pytest.approx(4.0)
    assert until(100, 1, 2, 3)[1] == 0.0  # no time behind it: the window is used up
    assert until(100, 1, 300, 300, 2, 400)[1] == 0.0  # it ends with an utterance


def test_weights_that_cannot_be_read_are_named(folder, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(b"{}" if file.name == "model.bin" else file.read_bytes())
    with pytest.raises(TunesmithError, match="cannot be loaded"):
        Transcriber(broken, "broken").transcribe(talk(SAID), RATE)


def test_english_weights_are_asked_of_english_alone(monkeypatch):
    english = Transcriber(Path("nowhere"), "tiny.en")
    monkeypatch.setattr(english, "_load", type("English", (), {"multilingual": False}))
    assert english.understands("Café, déjà vu: 12!") and english.understands("hello", "en-GB")
    assert not english.understands("你好") and not english.understands("привет") and not english.understands("hi", "zh")
    assert english.knows("en") and not english.knows("") and not english.knows("fr")
