"""Captions, lyrics and attributes in files beside clips, under the names that other tools give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.layouts import read_layout


def beside(folder: Path, texts: dict[str, str]) -> Path:
    """Three clips of 50 ms, and files beside each; ``{}`` in a text is the clip's number."""
    for number in (1, 2, 3):
        save(folder / f"c{number}.wav", phrase(number, 0.4)[:800])
        for ending, text in texts.items():
            (folder / f"c{number}{ending}").write_text(text.replace("{}", str(number)), encoding="utf-8")
    return folder


BOTH = {"caption": "pop 1", "lyrics": "[verse]\nhello 1"}
LYRICS = "[verse]\nhello {}\n"


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({".caption.txt": "pop {}", ".lyrics.txt": LYRICS}, BOTH),
        ({".caption.txt": "pop {}", ".txt": LYRICS}, BOTH),
        ({".caption": "pop {}", ".txt": LYRICS}, BOTH),
        ({".txt": "pop {}", ".lyrics": LYRICS}, BOTH),
        ({".txt": "pop {}", "_lyrics.txt": LYRICS}, BOTH),
        ({"_prompt.txt": "pop {}", ".lyrics.txt": LYRICS}, BOTH),
        ({".json": '{"caption": "pop {}"}', ".txt": LYRICS}, BOTH),
        ({".json": '{"caption": "pop {}", "lyrics": "[verse]\\nhello {}"}'}, BOTH),
        ({".JSON": '{"Caption": "pop {}", "Lyrics": "[verse]\\nhello {}"}'}, BOTH),
        ({".TXT": "pop {}"}, {"caption": "pop 1"}),
        ({".Caption.TXT": "pop {}"}, {"caption": "pop 1"}),
        ({".json": '{"description": "pop {}", "keywords": "bright"}'}, {"caption": "pop 1"}),
        ({".json": '{"description": "", "keywords": "pop; calm", "moods": ["Calm"], "genre": "rock"}'},
         {"caption": "pop, calm, rock"}),
        ({"_prompt.txt": "pop {}", ".txt": "another"}, {"caption": "pop 1"}),
    ],
)  # fmt: skip
def test_texts_are_read_under_every_name(tmp_path, texts, wanted):
    dataset = read_layout(beside(tmp_path, texts))
    assert dataset.name in ("sidecar", "trio")
    assert [sample.id for sample in dataset.samples] == ["c1.wav", "c2.wav", "c3.wav"]
    assert dataset.samples[0].texts == wanted
    assert dataset.problems == []
    unread = [str(note) for note in dataset.notes if "were not read" in str(note)]
    assert unread == (["3 .txt files lie beside your clips and were not read (the first: c1.txt)."]
                      if texts.get(".txt") == "another" else [])  # fmt: skip


def test_typed_attributes_stay_on_the_sample(tmp_path):
    record = {"caption": "pop", "bpm": "120 BPM", "Key": "A minor", "timesignature": 4, "language": "en", "title": "x"}
    dataset = read_layout(beside(tmp_path, {".json": json.dumps(record)}))
    assert dataset.samples[0].attributes == {
        "bpm": 120, "keyscale": "A minor", "timesignature": "4", "language": "en", "title": "x"
    }  # fmt: skip


@pytest.mark.parametrize("value", ['"fast"', "-3", "1e999", "true", "[1]", '"12345 bpm"'])
def test_attributes_of_the_wrong_type_are_left_out_and_named(tmp_path, value):
    dataset = read_layout(beside(tmp_path, {".json": f'{{"caption": "pop", "bpm": {value}}}'}))
    assert dataset.samples[0].attributes == {}
    if value != "1e999":  # infinity is what some write for what they do not know
        assert "its `bpm` is" in str(dataset.problems[0].message)
        assert dataset.problems[0].level == "warn"


@pytest.mark.parametrize("value", ['""', '"N/A"', "null", "NaN"])
def test_attributes_that_are_not_known_are_left_out(tmp_path, value):
    dataset = read_layout(beside(tmp_path, {".json": f'{{"caption": "pop", "bpm": {value}}}'}))
    assert (dataset.samples[0].attributes, dataset.problems) == ({}, [])


def test_a_damaged_record_costs_its_clip_and_names_its_line(tmp_path):
    beside(tmp_path, {".json": '{"caption": "pop"}'})
    (tmp_path / "c2.json").write_text('{"caption":\n "pop",}')
    (tmp_path / "c3.json").write_text("[" * 50_000)
    dataset = read_layout(tmp_path)
    assert [sample.id for sample in dataset.samples] == ["c1.wav"]
    assert [(problem.clip, problem.level) for problem in dataset.problems] == [("c2.wav", "error"), ("c3.wav", "error")]
    assert "c2.json:2: this file is not JSON" in str(dataset.problems[0].message)
    assert "nested too deeply" in str(dataset.problems[1].message)


def test_a_caption_among_lyrics_is_named(tmp_path):
    beside(tmp_path, {".caption.txt": "pop", ".txt": LYRICS})
    (tmp_path / "c2.caption.txt").unlink()
    dataset = read_layout(tmp_path)
    (problem,) = dataset.problems
    assert (problem.clip, problem.level) == ("c2.wav", "warn")
    assert "c2.txt is read as its caption" in str(problem.message)


def test_two_captions_are_named(tmp_path):
    dataset = read_layout(beside(tmp_path, {".txt": "pop {}", ".json": '{"description": "rock"}'}))
    assert dataset.samples[0].texts == {"caption": "pop 1"}
    assert "c1.json holds `description` too, which is not used" in str(dataset.problems[0].message)


def test_texts_without_a_clip_are_errors(tmp_path):
    beside(tmp_path, {".txt": "pop"})
    (tmp_path / "gone.caption.txt").write_text("x")
    (problem,) = read_layout(tmp_path).problems
    assert problem.level == "error" and "no audio called gone" in str(problem.message)


def test_what_is_not_read_is_counted_and_named(tmp_path):
    beside(tmp_path, {".json": '{"peak": 1}', ".lrc": "[00:01]la"})
    for name in ("list.csv", "README.txt", "labels.jsonl"):
        (tmp_path / name).write_text("")
    dataset = read_layout(tmp_path)
    assert dataset.name == "folder"
    assert [str(note) for note in dataset.notes] == [
        "3 .json files lie beside your clips and were not read (the first: c1.json).",
        "3 .lrc files lie beside your clips and were not read (the first: c1.lrc).",
        "1 .csv files in the folder belong to no clip and were not read (the first: list.csv).",
    ]


def test_a_list_leaves_texts_beside_clips_unread_and_says_so(tmp_path):
    beside(tmp_path, {".txt": "pop"})
    (tmp_path / "metadata.json").write_text('[{"audio": "c1.wav", "text": "x", "lyrics": "[verse]\\nla", "bpm": "90"}]')
    dataset = read_layout(tmp_path)
    assert dataset.samples[0].texts == {"caption": "x", "lyrics": "[verse]\nla"}
    assert dataset.samples[0].attributes == {"bpm": 90}
    assert any("3 .txt files lie beside your clips" in str(note) for note in dataset.notes)


def test_a_new_caption_belongs_where_the_others_stand(tmp_path):
    beside(tmp_path, {".caption.txt": "pop"})
    (tmp_path / "c2.caption.txt").unlink()
    places = read_layout(tmp_path).caption_files
    assert {clip: path.name for clip, path in places.items()} == {
        "c1.wav": "c1.caption.txt", "c2.wav": "c2.caption.txt", "c3.wav": "c3.caption.txt"
    }  # fmt: skip
    lyrics_in_txt = beside(tmp_path / "json", {".json": '{"caption": "pop"}', ".txt": LYRICS})
    assert read_layout(lyrics_in_txt).caption_files == {}, "a record holds them; .txt is not to be overwritten"
