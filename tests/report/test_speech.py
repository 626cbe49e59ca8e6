"""What the page shows of speech: edit types, transcripts, prompts; and strange records do it no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.fake_run import HOSTILE, comparison
from tests.report.files import beat, write, write_json
from tests.report.page import Page
from tunesmith.records.speech_comparison import EditTypeResult, MeasureResult, SpeechComparison
from tunesmith.report.build import build_report
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message


def measure(name: str, **values: Any) -> MeasureResult:
    given: dict[str, Any] = {
        "name": name, "title": Message.fixed(name.title(), "指标"), "unit": "", "base": 0.8, "adapter": 0.6,
        "reference": 0.85, "difference": -0.2, "low": -0.3, "high": -0.1, "pairs": 8, "judgement": "worse",
    }  # fmt: skip
    return MeasureResult(**given | values)


def speech(**values: Any) -> SpeechComparison:
    clone = (
        measure(
            "error_rate", unit="%", base=0.12, adapter=0.05, reference=None, low=-0.1, high=-0.04, judgement="better"
        ),
        measure("heldout_loss", base=4.4, adapter=3.1, reference=None, low=-1.5, high=-1.2),
    )
    emotion = (
        measure("voice_prompt", low=None, high=None, pairs=3, judgement="unknown"),
        measure("floor_db", unit="dB", base=-38.0, adapter=-20.0),
    )
    given: dict[str, Any] = {
        "transcriber": "openai/whisper-small", "error_rate": "WER", "voice": "CAM++",
        "edit_types": (
            EditTypeResult(edit_type="clone", outputs=8, judgement="better", measures=clone),
            EditTypeResult(edit_type="emotion", outputs=3, judgement="unknown", measures=emotion),
        ),
    }  # fmt: skip
    return SpeechComparison(**given | values)


def page(folder: Path, spoken: SpeechComparison, **prompt: Any) -> Page:
    made = comparison(folder / "evaluation", ["hello there", HOSTILE, "你好"], speech=spoken)
    write(folder / "evaluation" / "prompt" / "00.wav", beat(1.0, 5))
    edit = {"edit_type": "emotion", "edit_info": "happy", "source": "prompt/00.wav"} | prompt
    rows = [row.model_copy(update=edit) for row in made.prompts]
    rows[0] = rows[0].model_copy(update={"lora": rows[0].lora.model_copy(update={"heard": "hello dear"})})
    rows[1] = rows[1].model_copy(update={"base": rows[1].base.model_copy(update={"heard": ""})})
    settings = made.settings.model_copy(update={"seconds": None})
    made = made.model_copy(update={"prompts": tuple(rows), "settings": settings})
    made.write(folder / "evaluation" / "comparison_results.json")
    return Page(build_report(RunFolder(folder)))


def test_edit_types_stand_in_a_table(tmp_path):
    shown = page(tmp_path, speech())
    assert shown.errors == []
    text = shown.text("en")
    assert "By edit type" in text
    assert "12 %" in text
    assert "−10 % … −4 % 8 pairs better" in text
    assert "4.400 3.100 – −1.500 … −1.200" in text
    assert "– 3 pairs cannot be told" in text
    assert "−38 dB −20 dB" in text
    assert "WER by openai/whisper-small" in text
    assert "CAM++" in text
    chinese = shown.text("zh")
    assert "按编辑类型" in chinese
    assert "情绪" in chinese
    assert "无法判断" in chinese


def test_rows_say_the_edit_the_transcript_and_play_the_prompt(tmp_path):
    shown = page(tmp_path, speech())
    text = shown.text("en")
    assert "emotion: happy" in text
    assert "Heard: hello dear" in text
    assert "Heard: nothing" in text
    assert "情绪：happy" in shown.text("zh")
    assert len(shown.all("audio")) == 12  # three prompts: base, adapter, reference, prompt
    assert "s each" not in text
    assert "First seed 1234" in text


def test_without_whisper_it_is_said(tmp_path):
    text = page(tmp_path, speech(transcriber=None, error_rate=None)).text("en")
    assert "No words were heard, so there is no error rate" in text and "tunesmith ears install whisper-tiny-en" in text


def test_music_shows_none_of_it(tmp_path):
    comparison(tmp_path / "evaluation", ["a beat"])
    text = Page(build_report(RunFolder(tmp_path))).text()
    for words in ("By edit type", "Whisper", "Heard"):
        assert words not in text
    assert "3 s each" in text


@pytest.mark.parametrize(
    "spoken",
    [
        speech(edit_types=()),
        speech(edit_types=(EditTypeResult(edit_type=HOSTILE, outputs=0, judgement="unknown", measures=()),)),
        speech(
            edit_types=(
                EditTypeResult(
                    edit_type=HOSTILE,
                    outputs=1,
                    judgement="worse",
                    measures=(measure(HOSTILE, title=Message.fixed(HOSTILE), unit=HOSTILE, base=None, low=1e400),),
                ),
            )
        ),
        speech(voice=HOSTILE, transcriber=HOSTILE, error_rate=HOSTILE),
    ],
)
def test_a_strange_record_does_no_harm(tmp_path, spoken):
    shown = page(tmp_path, spoken, edit_type=HOSTILE, edit_info=HOSTILE, source="../../secret.wav")
    assert shown.errors == []
    assert "could not be read" not in shown.text("en")
    assert all(attrs.get("src") != "x" for attrs in shown.all("img"))
    assert "alert" not in "".join(str(a) for a in shown.all("script"))


@pytest.mark.parametrize(
    "junk",
    [
        3,
        "speech",
        {"edit_types": 3},
        {"edit_types": [None, {}, {"measures": "x"}]},
        {"edit_types": [{"edit_type": []}]},
    ],
)
def test_a_damaged_record_is_named_and_does_no_harm(tmp_path, junk):
    value = comparison(tmp_path / "evaluation", ["a beat"]).to_json()
    write_json(tmp_path / "evaluation" / "comparison_results.json", value | {"speech": junk})
    shown = Page(build_report(RunFolder(tmp_path)))
    assert shown.errors == []
    assert "comparison_results.json: this file is damaged: speech" in shown.text()
