"""Tables about clips: separators, names, and what is wrong with a row, with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.layouts import read_layout
from tunesmith.errors import TunesmithError


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for number in (1, 2):
        save(tmp_path / f"c{number}.wav", phrase(number, 0.4)[:800])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,text\nc1.wav,trap beat\nc2.wav,rock\n"),
        ("metadata.csv", "file_name;text\nc1.wav;trap beat\nc2.wav;rock\n"),
        ("metadata.csv", "file_name\ttext\nc1.wav\ttrap beat\nc2.wav\trock\n"),
        ("metadata.tsv", "file_name\ttext\nc1.wav\ttrap beat\nc2.wav\trock\n"),
        ("Metadata.CSV", "File_Name,Text\r\nc1.wav,trap beat\r\nc2.wav,rock,\r\n"),
        ("captions.csv", "File,Caption\nc1.wav,trap beat\nc2.wav,rock\n"),
        ("captions.csv", "path;caption\nc1.wav;trap beat\nc2.wav;rock\n"),
        ("dataset.jsonl", '{"audio_path": "c1.wav", "caption": "trap beat"}\n{"path": "c2.wav", "caption": "rock"}\n'),
    ],
)
def test_tables_are_read_under_every_name_and_separator(clips, name, text):
    (clips / name).write_text(text, encoding="utf-8", newline="")
    dataset = read_layout(clips)
    assert dataset.name == "audiofolder"
    assert {sample.id: sample.texts["caption"] for sample in dataset.samples} == {
        "c1.wav": "trap beat",
        "c2.wav": "rock",
    }
    assert dataset.problems == [] and dataset.notes == []


def test_commas_stay_in_a_caption_where_semicolons_part_columns(clips):
    (clips / "captions.csv").write_text("file;caption;BPM\nc1.wav;dark, slow;1,5\n", encoding="utf-8")
    (sample,) = read_layout(clips).samples
    assert (sample.texts, sample.attributes) == ({"caption": "dark, slow"}, {"bpm": 1.5})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "file_name,text\nc2.wav,y\nc1.wav,trap beat, dark, 140 bpm\n",
            "csv:3: this row has 4 fields, and the heading",
        ),
        ("file_name,lyrics,text\nc1.wav,la la, city pop\nc2.wav,hey, you, rock\n", "csv:3: this row has 4 fields"),
        ('file_name,text\nc1.wav,"trap\nc2.wav,y\n', "csv:3: a double quote is opened"),
        ('file_name,text\nc1.wav,"trap"beat\n', "csv:2: this row is not CSV"),
        (f"file_name,text\nc1.wav,{'x' * 200_000}\n", "csv:2: a field of this row has more than 131072 characters"),
        ("file_name,text,text\nc1.wav,a,b\n", "csv:1: the heading names the column 'text' twice"),
        ("file_name,text\n,a\n", "csv:2: this row has no `file_name`"),
    ],
)
def test_a_damaged_row_is_named_with_its_line(clips, text, words):
    (clips / "metadata.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TunesmithError, match=words) as caught:
        read_layout(clips)
    assert caught.value.remedy


def test_a_line_separator_is_no_end_of_a_json_line(clips):
    rows = [{"file_name": f"c{n}.wav", "text": f"beat\u2028dark {n}"} for n in (1, 2)]
    (clips / "metadata.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    assert [sample.texts["caption"] for sample in read_layout(clips).samples] == [
        "beat\u2028dark 1",
        "beat\u2028dark 2",
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("metadata.jsonl", '{"file_name": "c1.wav"}\n' + "[" * 50_000, "metadata.jsonl:2: .*nested too deeply"),
        ("metadata.jsonl", '\n{"file_name": "c1.wav",}', "metadata.jsonl:2: this file is not JSON"),
        ("metadata.json", "\n" + "[" * 200_000, "metadata.json:2: .*nested too deeply"),
        ("metadata.json", '[{"audio": "c1.wav", "text": "a",\n"n": ' + "9" * 6000 + "}]", "json:2: .*too long"),
        ("manifest.jsonl", "[" * 50_000, "manifest.jsonl:1: .*nested too deeply"),
    ],
)
def test_json_without_end_is_named_with_its_line(clips, name, text, words):
    (clips / name).write_text(text)
    with pytest.raises(TunesmithError, match=words):
        read_layout(clips)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ('"id": 0', "`id` has to be a text"),
        ('"repeats": -3', "`repeats` has to be a whole number from 1"),
        ('"repeats": 1e30', "`repeats` has to be a whole number from 1"),
        ('"split": "xx"', "`split` has to be `train` or `valid`"),
        ('"texts": {"caption": 5}', "`texts` has to be texts in quotes"),
        ('"audios": {"audio": {"path": "c1.wav", "start": NaN}}', "`audios` has to be paths"),
        ('"audios": {"audio": {"path": "c1.wav", "end": 1e999}}', "`audios` has to be paths"),
        ('"audios": {"audio": {"path": "c1.wav", "start": "zero"}}', "`audios` has to be paths"),
        ('"attributes": ' + '{"a":' * 100 + "1" + "}" * 100, "`attributes` has to be an object that is not nested"),
    ],
)
def test_a_sample_of_the_wrong_type_is_named_with_its_field(clips, field, words):
    sample = '{"id": "a", "audios": {"audio": {"path": "c1.wav"}}, "texts": {"caption": "x"}, '
    (clips / "manifest.jsonl").write_text(f"{sample}{field}}}\n")
    with pytest.raises(TunesmithError, match=f"manifest.jsonl:1: .*{words}"):
        read_layout(clips)
