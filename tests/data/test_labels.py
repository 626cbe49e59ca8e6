from __future__ import annotations

from pathlib import Path

import pytest

from tests.label.answers import GOOD, records
from tunesmith.data.labels import ClipMeasurements, Label, LabelStore, read_labels
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

OK = Label(
    "sub/a.wav",
    "ok",
    audio="sound",
    key="question",
    provider="endpoint",
    model="m",
    tags=("trap", "深沉"),
    tags_from="model",
    recaption=GOOD,
    measured=ClipMeasurements(40.0, bpm=150.0, words=("energetic",)),
    heard=(5.5, 34.5),
)
REVIEW = Label("sub/a.wav", "needs_review", "sound", "other", "endpoint", "m", reason=msg("no JSON"), answer="I hear {")


def test_labels_come_back_as_they_were(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    store.add(OK)
    store.add(REVIEW)
    assert read_labels(tmp_path) == {"sub/a.wav": OK}
    assert "深沉" in (tmp_path / "labels.jsonl").read_text("utf-8")
    assert [record["status"] for record in records(tmp_path)] == ["ok", "needs_review"]


def test_a_folder_without_labels_has_none(tmp_path: Path) -> None:
    assert read_labels(tmp_path) == {}


@pytest.mark.parametrize("order", [0, 1])
def test_the_best_label_is_usable_has_a_recaption_and_is_new(tmp_path: Path, order: int) -> None:
    plain = Label("sub/a.wav", "ok", "sound", "k3", "measured", tags=("150 bpm",), tags_from="measured")
    store = LabelStore(tmp_path)
    for label in [(OK, plain, REVIEW), (REVIEW, plain, OK)][order]:
        store.add(label)
    assert store.best_of("sub/a.wav") == OK
    newer = Label("sub/a.wav", "ok", "sound", "k4", "endpoint", "n", ("drill",), "model", GOOD)
    store.add(newer)
    assert read_labels(tmp_path) == {"sub/a.wav": newer}


def test_a_label_of_other_sound_under_the_same_name_is_out_of_date(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    changed = Label("sub/a.wav", "ok", "new sound", "k3", "measured", tags=("90 bpm",), tags_from="measured")
    store.add(OK)
    store.add(changed)
    assert read_labels(tmp_path) == {"sub/a.wav": changed}


def test_a_question_is_done_under_any_name_but_only_when_usable(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    store.add(REVIEW)
    store.add(OK)
    done = store.done("question", "renamed.wav")
    assert done is not None
    assert (done.id, done.tags) == ("renamed.wav", OK.tags)
    assert store.done("other", "sub/a.wav") is None
    assert store.wrote("sub/a.wav", OK.tags)
    assert not store.wrote("sub/a.wav", ("trap",))


def test_a_reason_is_written_in_english_and_known_again_when_it_was_read_back(tmp_path: Path) -> None:
    label = Label("a.wav", "failed", "sound", "k", "measured", reason=msg("{seconds:g} s are too short", seconds=0.5))
    LabelStore(tmp_path).add(label)
    LabelStore(tmp_path).add(label)
    assert [record["reason"] for record in records(tmp_path)] == ["0.5 s are too short"]
    assert str(read_labels(tmp_path)["a.wav"].reason) == "0.5 s are too short"


def test_an_interrupted_write_costs_that_label_alone(tmp_path: Path) -> None:
    LabelStore(tmp_path).add(OK)
    path = tmp_path / "labels.jsonl"
    whole = path.read_bytes()
    for cut in (1, 10, len(whole) // 2):
        path.write_bytes(whole + whole[:cut])
        assert read_labels(tmp_path) == {"sub/a.wav": OK}
        LabelStore(tmp_path).add(REVIEW)
        assert [record["status"] for record in records(tmp_path)] == ["ok", "needs_review"]


def test_a_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    LabelStore(tmp_path).add(OK)
    path = tmp_path / "labels.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    LabelStore(tmp_path).add(REVIEW)
    assert [record["status"] for record in records(tmp_path)] == ["ok", "needs_review"]


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"id": "a"}', '{"id": "a", "colour": "red"}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "labels.jsonl").write_text(f"{line}\n{line}\n")
    with pytest.raises(TunesmithError, match=r"labels\.jsonl:1: this line is not a label"):
        read_labels(tmp_path)


def test_labels_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").mkdir()
    with pytest.raises(TunesmithError, match=r"labels\.jsonl: Is a directory"):
        LabelStore(tmp_path).add(OK)


def test_a_file_of_another_encoding_is_no_interrupted_write(tmp_path: Path) -> None:
    LabelStore(tmp_path).add(OK)
    path = LabelStore(tmp_path).path
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    before = path.read_bytes()
    with pytest.raises(TunesmithError, match="this file is not UTF-8 text"):
        LabelStore(tmp_path).add(OK)
    assert path.read_bytes() == before


def test_a_last_line_without_end_gives_way_to_the_next_label(tmp_path: Path) -> None:
    path = LabelStore(tmp_path).path
    path.write_bytes(b"[" * 100_000)
    LabelStore(tmp_path).add(OK)
    assert read_labels(tmp_path)[OK.id].tags == OK.tags
