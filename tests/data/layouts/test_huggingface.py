"""A dataset folder of ACE-Step's own trainer is read as its rows mean it, whoever wrote it and wherever it is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.layouts import detect_layout, huggingface, read_layout
from tunesmith.doorways.ace_step.table import TABLE, write_dataset
from tunesmith.errors import TunesmithError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def row(name: str, tags: tuple[str, ...] = ("rap", "dark"), lyrics: str = "", **more: object) -> dict:
    values = {"keys": Path(name).stem, "filename": name, "tags": list(tags), "norm_lyrics": lyrics}
    return {**values, "speaker_emb_path": "", "recaption": {}, **more}


def clips(*names: str) -> None:
    for number, name in enumerate(names):
        save(Path(name), phrase(number, 0.4)[:800])


def test_rows_become_clips_and_repeats_are_counted(tmp_path: Path) -> None:
    clips("data/a.mp3", "data/b.wav")
    rows = [row("data/a.mp3", lyrics="[verse]\r\n唱\n"), row("./data/b.wav", ("a, b", " c ", ""))]
    write_dataset(tmp_path / "set", rows, 3)
    layout = read_layout(Path("set"))
    assert layout.name == detect_layout(Path("set")) == "huggingface"
    assert [(s.id, s.repeats) for s in layout.samples] == [("data/a.mp3", 3), ("data/b.wav", 3)]
    assert layout.samples[0].texts == {"caption": "rap, dark", "lyrics": "[verse]\n唱"}
    assert layout.samples[1].texts == {"caption": "a, b, c"}
    assert Path(layout.samples[0].audios["audio"].path) == tmp_path / "data" / "a.mp3"
    assert layout.samples[0].attributes == {}
    assert layout.problems == []
    assert any("2 clips are listed more than once (6 times in all)" in str(note) for note in layout.notes)


@pytest.mark.parametrize("repeats", [1, 2, 999, 2001])
def test_every_number_of_repeats_is_written(tmp_path: Path, repeats: int) -> None:
    names = [f"{i}.wav" for i in range(3)]
    write_dataset(tmp_path / "set", [row(name) for name in names], repeats)
    assert [r["filename"] for r in huggingface.rows(tmp_path / "set")] == names * repeats


def test_recaptions_and_speaker_vectors_are_kept(tmp_path: Path) -> None:
    clips("a.wav", "b.wav", "c.wav")
    np.save("voice.npy", np.zeros(512, np.float32))
    told = {"simplified": "rap", "expanded": ""}
    rows = [
        row("a.wav", recaption=told),
        row("b.wav", speaker_emb_path="voice.npy"),
        row("c.wav", speaker_emb_path="gone"),
    ]
    write_dataset(tmp_path / "set", rows, 1)
    layout = read_layout(Path("set"))
    assert [s.attributes for s in layout.samples] == [
        {"recaption": {"simplified": "rap"}},
        {"speaker_emb_path": str(tmp_path / "voice.npy")},
    ]
    (problem,) = layout.problems
    assert (problem.clip, problem.level) == ("c.wav", "error")
    assert "its speaker vector gone is not there" in str(problem.message)


@pytest.mark.parametrize("place", [".", "set", "moved/beside"])
def test_audio_is_found_from_here_in_the_folder_and_beside_it(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path / "set", [row("data\\a.wav")], 1)
    folder = tmp_path / "set"
    if place == "moved/beside":
        folder = Path(shutil.move(folder, tmp_path / "moved"))
        monkeypatch.chdir("/")
    clips(str(tmp_path / {"moved/beside": "."}.get(place, place) / "data" / "a.wav"))
    (sample,) = read_layout(folder).samples
    assert Path(sample.audios["audio"].path).is_file()


def test_a_clip_that_was_moved_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    clips("data/a.wav")
    write_dataset(tmp_path / "set", [row("data/a.wav"), row("data/gone.mp3")], 2)
    layout = read_layout(Path("set"))
    assert [s.id for s in layout.samples] == ["data/a.wav"]
    (problem,) = layout.problems
    assert (problem.clip, problem.level, problem.check) == ("data/gone.mp3", "error", "layout")
    assert str(tmp_path / "set") in str(problem.message)
    assert "data/gone.mp3" in problem.message.render("zh")


def test_one_clip_with_two_texts_is_told(tmp_path: Path) -> None:
    clips("a.wav", "b.wav")
    write_dataset(tmp_path / "set", [row("a.wav"), row("b.wav"), row("a.wav", ("jazz",))], 1)
    layout = read_layout(Path("set"))
    assert [s.id for s in layout.samples] == ["b.wav"]
    assert "listed with different texts" in str(layout.problems[0].message)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / TABLE).unlink(), "this table of the dataset is missing"),
        (lambda f: (f / TABLE).write_bytes((f / TABLE).read_bytes()[:200]), "this table is damaged"),
        (lambda f: (f / TABLE).write_bytes(b"no arrow at all"), "this table is damaged"),
        (lambda f: (f / "dataset_dict.json").write_text('{"splits": ["train", "test"]}'), "(train, test)"),
        (lambda f: (f / "state.json").write_text("{"), "this file is not JSON"),
        (lambda f: (f / "state.json").write_text("{}"), "this file names no tables"),
    ],
)
def test_a_damaged_folder_gets_a_sentence(tmp_path: Path, spoil, words: str) -> None:
    clips("a.wav")
    write_dataset(tmp_path / "set", [row("a.wav")], 1)
    spoil(tmp_path / "set")
    with pytest.raises(TunesmithError, match="set") as caught:
        read_layout(Path("set"))
    assert words in str(caught.value)


def test_a_dataset_without_paths_is_refused(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([{"text": "a"}]).save_to_disk(tmp_path / "set")
    with pytest.raises(TunesmithError, match="no column `filename`, only text"):
        read_layout(Path("set"))


def test_what_the_datasets_library_writes_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    clips("a.wav", "b.wav")
    rows = [row("a.wav", lyrics="[verse]\nla", recaption={"simplified": "x"}), row("b.wav")]
    datasets.Dataset.from_list(rows * 50).save_to_disk(tmp_path / "set", num_shards=3)
    layout = read_layout(Path("set"))
    assert [(s.id, s.repeats) for s in layout.samples] == [("a.wav", 50), ("b.wav", 50)]
    assert layout.samples[0].attributes == {"recaption": {"simplified": "x"}}
    assert layout.samples[1].attributes == {}


def test_the_datasets_library_reads_what_is_written_here(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [row("a.wav", lyrics="[verse]\nla", recaption={"simplified": "x"}), row("b.wav", ("only",))]
    write_dataset(tmp_path / "set", rows, 2)
    found = datasets.load_from_disk(str(tmp_path / "set"))
    assert found.column_names == ["keys", "filename", "tags", "speaker_emb_path", "norm_lyrics", "recaption"]
    assert len(found) == 4
    assert found[2] == rows[0]
    assert found[3] == {**rows[1], "recaption": {"simplified": ""}}
    write_dataset(tmp_path / "set", [row("a.wav")], 1)
    assert datasets.load_from_disk(str(tmp_path / "set"))[0]["recaption"] == {}


def test_lists_are_described_as_old_releases_know_them(tmp_path: Path) -> None:
    """Releases 2 and 3, which ACE-Step's own trainer asks for, know no feature called `List`."""
    write_dataset(tmp_path / "set", [row("a.wav")], 1)
    features = json.loads((tmp_path / "set" / "dataset_info.json").read_text())["features"]
    assert features["tags"]["_type"] == "Sequence"
    assert features["recaption"] == {}
    assert b'"List"' not in (tmp_path / "set" / TABLE).read_bytes()
