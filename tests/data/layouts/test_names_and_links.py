"""Names that are not UTF-8 or spelt otherwise, characters that no file takes, and links."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.audio.decode import probe
from tunesmith.data.characters import clean_text, shown
from tunesmith.data.layouts import read_layout
from tunesmith.data.sample import read_manifest, write_manifest
from tunesmith.stages.files_read import folder_listing


def clip(folder: Path, name: str, text: str = "") -> Path:
    path = save(folder / "made.wav", phrase(1, 0.4)[:800]).rename(folder / name)
    if text:
        path.with_suffix(".txt").write_text(text, encoding="utf-8")
    return path


def test_a_name_that_is_not_utf8_goes_through_a_manifest(tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    clip(tmp_path, name, "pop")
    (sample,) = read_layout(tmp_path).samples
    assert (sample.id, sample.texts) == ("caf\\xe9.wav", {"caption": "pop"})
    write_manifest(tmp_path / "out.jsonl", [sample])
    (back,) = read_manifest(tmp_path / "out.jsonl")
    assert back == sample and Path(back.audios["audio"].path).is_file()
    assert probe(back.audios["audio"].path).frames == 800


def test_a_name_of_either_spelling_is_one_name(tmp_path):
    decomposed, composed = "cafe\u0301", "caf\u00e9"
    clip(tmp_path, f"{decomposed}.wav")
    (tmp_path / "metadata.csv").write_text(f"file_name,text\n{composed}.wav,x\n", encoding="utf-8")
    dataset = read_layout(tmp_path)
    assert [(sample.id, sample.texts["caption"]) for sample in dataset.samples] == [(f"{decomposed}.wav", "x")]
    assert dataset.problems == [] and dataset.notes == []
    (tmp_path / "metadata.csv").unlink()
    (tmp_path / f"{composed}.txt").write_text("y")
    assert read_layout(tmp_path).samples[0].texts == {"caption": "y"}


@pytest.mark.parametrize(
    ("written", "kept", "told"),
    [
        ("a\u2028b", "a\u2028b", False),
        ("a\u0085b", "a\nb", False),
        ("a\r\nb", "a\nb", False),
        ("a\u0007b", "ab", True),
        ("a\u001bb\u007f", "ab", True),
        ("a\ud83cb", "ab", True),
        ("a\ud83c\udfb5b", "a🎵b", False),
    ],
)
def test_characters_that_no_file_takes_are_taken_out_and_told(tmp_path, written, kept, told):
    assert clean_text(written) == kept
    clip(tmp_path, "c.wav")
    (tmp_path / "metadata.json").write_text(json.dumps([{"audio": "c.wav", "text": written, "mood": written}]))
    dataset = read_layout(tmp_path)
    assert dataset.samples[0].texts == {"caption": kept}
    assert dataset.samples[0].attributes == {"mood": kept}
    assert any("taken out (the first: c.wav)" in str(note) for note in dataset.notes) == told


def test_shown_names_can_be_printed():
    assert shown("a\udce9\n\u2028\ud83c é") == "a\\xe9\\n\\u2028\\ud83c é"


def test_linked_folders_are_read_once(tmp_path):
    own, elsewhere = tmp_path / "own", tmp_path / "elsewhere"
    clip(elsewhere, "b.wav", "linked")
    clip(own, "a.wav", "own")
    (own / "part").symlink_to(elsewhere)
    (own / "part 2").symlink_to("../elsewhere")
    (own / "self").symlink_to(".")
    (elsewhere / "back").symlink_to(own)
    (own / "up").symlink_to("..")
    (own / "gone").symlink_to("nowhere")
    dataset = read_layout(own)
    assert {sample.id: sample.texts["caption"] for sample in dataset.samples} == {
        "a.wav": "own",
        "part/b.wav": "linked",
    }
    assert [str(note) for note in dataset.notes] == [
        "4 links to folders that are read already, or that hold this one, were not followed (the first: part 2).",
        "1 links lead nowhere (the first: gone).",
    ]
    before = folder_listing(own)
    (elsewhere / "b.txt").write_text("edited")
    assert folder_listing(own) != before, "what lies in a linked folder counts"


def test_a_folder_comes_under_its_own_path_before_that_of_a_link(tmp_path):
    clip(tmp_path / "z", "a.wav")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to("../z")
    assert [sample.id for sample in read_layout(tmp_path).samples] == ["z/a.wav"]


def test_a_linked_clip_is_a_clip(tmp_path):
    clip(tmp_path / "elsewhere", "a.wav")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "b.wav").symlink_to("../elsewhere/a.wav")
    assert [sample.id for sample in read_layout(tmp_path / "own").samples] == ["b.wav"]
