"""Metric lines are typed; those of runs from before there was a format are read, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.records.metrics import (
    KINDS,
    EventLine,
    GateLine,
    PreviewLine,
    TrainLine,
    ValidLine,
    metric_line,
    read_metric_lines,
)
from tunesmith.texts import Message, msg

BEFORE = Path(__file__).parent / "metrics_format_0.jsonl"
"""Lines of the three demos as they were written when a sentence was an English and a Chinese text."""


def test_lines_from_before_there_was_a_format_become_those_of_today():
    lines = list(read_metric_lines(BEFORE))
    assert {line.kind for line in lines} == set(KINDS)
    assert len(lines) == len(BEFORE.read_text(encoding="utf-8").splitlines())
    gate = next(line for line in lines if isinstance(line, GateLine))
    assert (gate.name, gate.status) == ("base_loss", "pass") and gate.value < gate.limit
    assert str(gate.message).startswith("loss of the base model on your clips")
    assert gate.message.render("zh").startswith("基础模型在您的音频上的损失为")
    stage = next(line for line in lines if isinstance(line, EventLine) and line.name == "stage")
    assert str(stage.message).endswith("now flow") and stage.message.render("zh").endswith("进入 flow")
    kinds = next(line.kinds for line in lines if isinstance(line, ValidLine) and line.kinds)
    assert kinds.keys() >= {"clone", "vad"}
    preview = next(line for line in lines if isinstance(line, PreviewLine))
    assert preview.file.startswith("previews/step-") and preview.signals["channels"] == 1


@pytest.mark.parametrize(
    "line",
    [
        TrainLine(
            update=3, stage="train", loss=2.0, terms={"a": 2.0, "b": None}, learning_rate=1e-3, grad_norm=None,
            tokens=100, skipped=1, tokens_per_second=9.0,
        ),
        ValidLine(update=4, loss=1.0, terms={"a": 1.0}, forgetting=3.0, kinds={"own": 1.0}, best=True, stage="train"),
        ValidLine(update=4, loss=None, best=False, weights="ema"),
        PreviewLine(update=0, index=1, prompt="a beat", seed=3, file="previews/x.wav", signals={"lufs": -16.0}),
        GateLine(update=0, name="warmup", status="warn", message=msg("{done} of {all}", done=1, all=2), value=1.0),
        EventLine(update=9, name="finished", message=msg("{updates} updates done", updates=9)),
    ],
)  # fmt: skip
def test_a_line_is_read_back_as_it_was(line):
    data = json.loads(json.dumps(line.to_json()))
    assert metric_line(data) == line
    assert data["format"] == 1 and ("kinds" in data) == bool(getattr(line, "kinds", None))


def test_the_sentence_is_kept_with_its_id_and_values():
    data = EventLine(update=9, name="finished", message=msg("{updates} updates done", updates=9)).to_json()
    assert data["message"] == {"id": "{updates} updates done", "values": {"updates": 9}, "text": "9 updates done"}


def test_what_a_line_says_is_read_in_every_shape_and_one_language_stands_in():
    line = {"kind": "event", "update": 1, "name": "finished"}
    shapes = ({"message": "a", "message_zh": "甲"}, {"message": {"en": "a", "zh": "甲"}})
    for shape in (*shapes, {"message": Message.fixed("a", "甲").to_json()}):
        message = metric_line(line | shape).message
        assert (message.render("en"), message.render("zh")) == ("a", "甲")
    for shape, both in (({"message": "a"}, "a"), ({"message": "", "message_zh": "甲"}, "甲")):
        message = metric_line(line | shape).message
        assert message.render("en") == message.render("zh") == both
    assert not metric_line(line | {"message": "  "}).message
    for shape in ({"message": 3}, {}):
        with pytest.raises(TunesmithError, match="damaged"):
            metric_line(line | shape)


@pytest.mark.parametrize("bad", ["3", True, []])
def test_what_is_no_number_is_not_read_as_one(bad):
    line = ValidLine(update=4, loss=1.0, best=True).to_json()
    for key in ("loss", "update"):
        with pytest.raises(TunesmithError, match=f"damaged: {key}"):
            metric_line(line | {key: bad})
    with pytest.raises(TunesmithError, match="damaged: it holds no object"):
        metric_line(bad)


def test_a_line_cut_off_by_a_crash_is_passed_over_and_one_that_is_wrong_is_named(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert list(read_metric_lines(path)) == []
    done = json.dumps(EventLine(update=9, name="finished", message=msg("done")).to_json())
    path.write_text(f'{done}\n{{"kind": "train", "upd')
    assert [line.update for line in read_metric_lines(path)] == [9]
    path.write_text(f'{done}\n{{"kind": "valid", "update": "two"}}\n')
    with pytest.raises(TunesmithError, match=r"metrics.jsonl:2: this file is damaged: update"):
        list(read_metric_lines(path))
    path.write_text('{"kind": "weather", "update": 1}\n')
    with pytest.raises(TunesmithError, match="no metrics of kind 'weather'"):
        list(read_metric_lines(path))


def test_whoever_collects_what_is_wrong_reads_on(tmp_path):
    path = tmp_path / "metrics.jsonl"
    done = json.dumps(EventLine(update=9, name="finished", message=msg("done")).to_json()).encode()
    wrong = (b'{"kind": "valid", "update": "two"}', b"\0\0 \xff", b'{"kind": "weather"}', b"[" * 100_000, b"[3]")
    path.write_bytes(b"\n".join((*wrong, b"", done, b'{"kind": "train", "upd')))
    refused: list[TunesmithError] = []
    assert [line.update for line in read_metric_lines(path, refused)] == [9]
    assert [error.where for error in refused] == [f"{path}:{number}" for number in range(1, 6)]
    assert "weather" in str(refused[2])
