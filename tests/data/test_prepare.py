"""Preparing a dataset: written apart from the originals, split, at one rate, with every loss named."""

from __future__ import annotations

import json

import pytest
import soundfile

from tests.data.sounds import phrase, save
from tunesmith.data.layouts import read_layout
from tunesmith.data.prepare import name_files, prepare
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError


@pytest.fixture
def clips(tmp_path):
    """Seven good tracks in two folders with colliding names, one of them in stereo."""
    folder = tmp_path / "in"
    for number in range(5):
        save(folder / f"song{'abcde'[number]}.wav", phrase(number, 6.0, 44_100), 44_100)
    save(folder / "more" / "songa.mp3", phrase(7, 6.0, 44_100), 44_100)
    stereo = phrase(8, 6.0)
    save(folder / "wide.wav", __import__("numpy").stack([stereo, phrase(9, 6.0)], axis=1))
    return folder


def test_clips_become_wavs_with_a_split_and_a_list(clips, tmp_path):
    (clips / "broken.wav").write_text("no sound", encoding="utf-8")
    before = {path: path.read_bytes() for path in clips.rglob("*") if path.is_file()}
    out = tmp_path / "out"
    prepared = prepare(clips, out, default_text="hip hop 808 beat")
    items = json.loads((out / "metadata.json").read_text(encoding="utf-8"))
    assert len(items) == 7 and all(set(item) == {"audio", "text"} for item in items)
    assert {item["text"] for item in items} == {"hip hop 808 beat"}
    assert sorted(item["audio"].split("/")[0] for item in items) == ["train"] * 5 + ["valid"] * 2
    assert len({item["audio"] for item in items}) == 7
    for item in items:
        info = soundfile.info(out / item["audio"])
        assert (info.samplerate, info.subtype) == (32_000, "PCM_16")
        assert info.duration == pytest.approx(6.0, abs=0.1)
        assert info.channels == (2 if "wide" in item["audio"] else 1)
    assert prepared.kind == "by_source"
    assert "text file" in str(prepared.quarantined["broken.wav"])
    assert before == {path: path.read_bytes() for path in clips.rglob("*") if path.is_file()}
    layout = read_layout(out)
    assert layout.name == "metadata" and {s.split for s in layout.samples} == {"train", "valid"}


def test_preparing_again_replaces_only_its_own_files(clips, tmp_path):
    out = tmp_path / "out"
    first = prepare(clips, out, default_text="x")
    assert prepare(clips, out, default_text="y").files == first.files
    stranger = tmp_path / "other"
    victim = save(stranger / "train" / "songc.wav", phrase(1)), save(stranger / "valid" / "songc.wav", phrase(1))
    before = [path.read_bytes() for path in victim]
    with pytest.raises(TunesmithError, match="was not written by an earlier preparation"):
        prepare(clips, stranger, default_text="x")
    assert [path.read_bytes() for path in victim] == before
    assert not (stranger / "metadata.json").exists()


def test_originals_are_never_overwritten(tmp_path):
    out = tmp_path / "data"
    for number in range(7):
        save(out / "train" / f"{'abcdefg'[number]}x.wav", phrase(number, 6.0))
    with pytest.raises(TunesmithError, match="one of the input files"):
        prepare(out / "train", out, default_text="x")
    with pytest.raises(TunesmithError, match="same folder"):
        prepare(out, out, default_text="x")


def test_an_output_inside_the_input_is_not_read_again(clips):
    first = prepare(clips, clips / "out", default_text="x")
    again = prepare(clips, clips / "out", default_text="x")
    assert again.files == first.files
    assert any("inside the output folder" in str(note) for note in again.notes)


def test_the_users_list_and_repeats_are_kept(tmp_path):
    folder = tmp_path / "in"
    items = []
    for number in range(7):
        save(folder / "train" / f"{'abcdefg'[number]}x.wav", phrase(number, 6.0))
        items.append({"audio": f"train/{'abcdefg'[number]}x.wav", "text": f"track {number}"})
    (folder / "metadata.json").write_text(json.dumps([*items, items[0]]), encoding="utf-8")
    prepare(folder, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "metadata.json").read_text(encoding="utf-8"))
    assert len(written) == 8
    assert {s.texts["caption"]: s.repeats for s in read_layout(tmp_path / "out").samples}["track 0"] == 2


def test_one_long_track_is_parted_with_a_gap(tmp_path):
    save(tmp_path / "in" / "mix.wav", phrase(1, 40.0))
    prepared = prepare(tmp_path / "in", tmp_path / "out", default_text="x", sample_rate=16_000)
    assert prepared.kind == "within_track"
    items = json.loads((tmp_path / "out" / "metadata.json").read_text(encoding="utf-8"))
    lengths = {item["audio"]: soundfile.info(tmp_path / "out" / item["audio"]).duration for item in items}
    assert lengths == {"train/mix.wav": 33.0, "valid/mix.wav": 5.0}
    assert {item["cut_from"] for item in items} == {"mix"}


def test_nothing_usable_is_an_error_that_says_why(tmp_path):
    save(tmp_path / "in" / "a.wav", phrase(1, 0.1))
    with pytest.raises(TunesmithError, match=r"no usable clip is left of 1; a\.wav: this clip lasts 0\.10 s"):
        prepare(tmp_path / "in", tmp_path / "out", default_text="x")
    assert not (tmp_path / "out").exists()


def test_progress_names_its_stages(clips, tmp_path):
    seen = []
    prepare(clips, tmp_path / "out", default_text="x", progress=lambda *step: seen.append(step))
    assert ("check", 7, 7) in seen and seen[-1] == ("write", 7, 7)


def test_names_are_distinct_where_case_is_ignored():
    ids = ["a.wav", "A.mp3", "b/a.flac", "b/A.ogg", "c.wav@10.0-20.0s"]
    names = name_files([Sample(name, {}, split="train") for name in ids])
    assert len({name.casefold() for name in names.values()}) == 5
    assert names["a.wav"] == "train/a.wav" and names["b/a.flac"] == "train/b_a.wav"
    assert names["c.wav@10.0-20.0s"] == "train/c.wav"
