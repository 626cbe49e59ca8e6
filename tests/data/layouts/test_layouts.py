"""Every layout that people have is found and read; every broken one gets a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.layouts import LAYOUTS, detect_layout, read_layout
from tunesmith.data.sample import AudioRef, Sample, write_manifest
from tunesmith.errors import TunesmithError


def clips(folder: Path, *names: str) -> None:
    """Clips of 50 ms; layouts only look at names."""
    for number, name in enumerate(names):
        save(folder / name, phrase(number, 0.4)[:800])


def metadata(folder: Path, items: object) -> None:
    (folder / "metadata.json").write_text(json.dumps(items, indent=1, ensure_ascii=False), encoding="utf-8")


def test_a_folder_of_audio_is_read_recursively_with_the_default_text(tmp_path):
    clips(tmp_path, "b.wav", "sub folder/a.flac", ".hidden/c.wav")
    (tmp_path / "._b.wav").write_bytes(b"x")
    layout = read_layout(tmp_path, default_text="hip hop 808 beat")
    assert layout.name == "folder"
    assert [s.id for s in layout.samples] == ["b.wav", "sub folder/a.flac"]
    assert {s.texts["caption"] for s in layout.samples} == {"hip hop 808 beat"}
    assert Path(layout.samples[0].audios["audio"].path) == tmp_path / "b.wav"
    assert "2 clips have no caption" in str(layout.notes[0])
    assert layout.notes[0].render("zh") != str(layout.notes[0])


def test_without_a_default_text_there_is_no_caption(tmp_path):
    clips(tmp_path, "a.wav")
    assert read_layout(tmp_path).samples[0].texts == {}


def test_metadata_with_both_splits_is_the_split(tmp_path):
    clips(tmp_path, "train/a.wav", "valid/b.wav", "valid/unlisted.wav")
    metadata(
        tmp_path, [{"audio": "train/a.wav", "text": "深色的节拍 🎵", "bpm": 140}, {"audio": "valid/b.wav", "text": "b"}]
    )
    layout = read_layout(tmp_path)
    assert layout.name == "metadata"
    assert [(s.id, s.split) for s in layout.samples] == [("train/a.wav", "train"), ("valid/b.wav", "valid")]
    assert layout.samples[0].texts == {"caption": "深色的节拍 🎵"}
    assert layout.samples[0].attributes == {"bpm": 140}
    assert any("valid/unlisted.wav" in str(note) for note in layout.notes)


def test_metadata_with_train_alone_leaves_the_split_open(tmp_path):
    clips(tmp_path, "train/a.wav", "train/b.wav")
    metadata(tmp_path, [{"audio": f"train/{n}.wav", "text": n} for n in "ab"])
    assert [s.split for s in read_layout(tmp_path).samples] == [None, None]


def test_repeats_are_collapsed_and_contradictions_told(tmp_path):
    clips(tmp_path, "a.wav", "b.wav")
    same, other = {"audio": "a.wav", "text": "x"}, {"audio": "./b.wav", "text": "y"}
    metadata(tmp_path, [same, same, other, {"audio": "b.wav", "text": "z"}, same])
    layout = read_layout(tmp_path)
    assert [(s.id, s.repeats) for s in layout.samples] == [("a.wav", 3)]
    (problem,) = layout.problems
    assert (problem.clip, problem.level) == ("b.wav", "error")
    assert "metadata.json:10" in str(problem.message) and "metadata.json:14" in str(problem.message)


def test_a_listed_clip_that_is_not_there_is_a_finding(tmp_path):
    clips(tmp_path, "a.wav")
    metadata(tmp_path, [{"audio": "a.wav", "text": "x"}, {"audio": "gone.wav", "text": "y"}])
    layout = read_layout(tmp_path)
    assert [s.id for s in layout.samples] == ["a.wav"]
    assert [(p.clip, p.level) for p in layout.problems] == [("gone.wav", "error")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"audio": "a.wav",\n "text": }]', r"metadata\.json:2: this file is not JSON"),
        ('{"audio": "a.wav", "text": "x"}', "holds an object, not a list"),
        ("[]", "lists no clips"),
        ('[\n{"audio": "a.wav", "text": "x"},\n\n{"audio": "a.wav"}]', r"metadata\.json:4: entry 1 has no key `text`"),
        ('[{"text": "x"}]', r"metadata\.json:1: entry 0 has no key `audio`"),
        ('[{"audio": "a.wav", "text": 3}]', "`text` of entry 0 is a number, not text"),
        ('["a.wav"]', "entry 0 is text, not an object"),
        ('[{"audio": "../../secret.wav", "text": "x"}]', "lies outside"),
        ('[{"audio": "train/../../a.wav", "text": "x"}]', "lies outside"),
        ('[{"audio": "/etc/passwd", "text": "x"}]', "lies outside"),
        ('[{"audio": "", "text": "x"}]', "lies outside"),
    ],
)
def test_broken_metadata_gets_a_sentence(tmp_path, content, words):
    clips(tmp_path, "a.wav")
    (tmp_path / "metadata.json").write_text(content, encoding="utf-8")
    with pytest.raises(TunesmithError, match=words) as caught:
        read_layout(tmp_path)
    assert caught.value.remedy


def test_paths_may_be_absolute_inside_or_from_windows(tmp_path):
    clips(tmp_path, "train/a.wav", "train/b.wav")
    metadata(tmp_path, [{"audio": str(tmp_path / "train/a.wav"), "text": "x"}, {"audio": "train\\b.wav", "text": "y"}])
    assert [s.id for s in read_layout(tmp_path).samples] == ["train/a.wav", "train/b.wav"]


def test_sidecar_texts_survive_their_encodings(tmp_path):
    clips(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav", "e.wav")
    (tmp_path / "a.txt").write_bytes("\ufeffdark trap\r\n808\r\n".encode())
    (tmp_path / "b.txt").write_bytes("钢琴".encode("gb2312"))
    (tmp_path / "c.txt").write_bytes("naïve café".encode("latin-1"))
    (tmp_path / "d.txt").write_bytes("鼓".encode("utf-16"))
    layout = read_layout(tmp_path)
    assert layout.name == "sidecar"
    texts = {s.id: s.texts.get("caption") for s in layout.samples}
    assert texts == {"a.wav": "dark trap\n808", "b.wav": "钢琴", "c.wav": "naïve café", "d.wav": "鼓", "e.wav": None}
    assert {(p.clip, p.level) for p in layout.problems} == {("b.wav", "warn"), ("c.wav", "warn")}


def test_the_trio_keeps_prompt_and_lyrics(tmp_path):
    clips(tmp_path, "song.mp3", "instrumental.mp3")
    (tmp_path / "song_prompt.txt").write_text("pop, female voice", encoding="utf-8")
    (tmp_path / "song_lyrics.txt").write_text("[verse]\n你好", encoding="utf-8")
    (tmp_path / "instrumental_prompt.txt").write_text("ambient", encoding="utf-8")
    layout = read_layout(tmp_path)
    assert layout.name == "trio"
    texts = {s.id: dict(s.texts) for s in layout.samples}
    assert texts["song.mp3"] == {"caption": "pop, female voice", "lyrics": "[verse]\n你好"}
    assert texts["instrumental.mp3"] == {"caption": "ambient"}


def test_audiofolder_by_csv(tmp_path):
    clips(tmp_path, "a.wav", "sub/b.wav")
    rows = '\ufefffile_name,caption,mood,lyrics\na.wav,"dark, slow",grim,\nsub/b.wav,light,,"la\nla"\n'
    (tmp_path / "metadata.csv").write_text(rows, encoding="utf-8")
    layout = read_layout(tmp_path)
    assert layout.name == "audiofolder"
    first, second = layout.samples
    assert (first.texts["caption"], first.attributes) == ("dark, slow", {"mood": "grim"})
    assert (second.texts, second.attributes) == ({"caption": "light", "lyrics": "la\nla"}, {})


def test_audiofolder_by_jsonl_in_split_folders(tmp_path):
    clips(tmp_path, "train/a.wav", "validation/a.wav", "test/a.wav")
    for name in ("train", "validation", "test"):
        (tmp_path / name / "metadata.jsonl").write_text(
            f'{{"file_name": "a.wav", "text": "{name}"}}\n', encoding="utf-8"
        )
    layout = read_layout(tmp_path)
    assert {s.id: (s.split, s.texts["caption"]) for s in layout.samples} == {
        "train/a.wav": ("train", "train"),
        "validation/a.wav": ("valid", "validation"),
    }
    assert any("test folder" in str(note) for note in layout.notes)


def test_a_test_folder_alone_is_held_out(tmp_path):
    clips(tmp_path, "train/a.wav", "test/b.wav")
    assert {s.id: s.split for s in read_layout(tmp_path).samples} == {"train/a.wav": "train", "test/b.wav": "valid"}


def test_a_table_without_file_names_gets_a_sentence(tmp_path):
    clips(tmp_path, "a.wav")
    (tmp_path / "metadata.csv").write_text("path,text\na.wav,x\n", encoding="utf-8")
    with pytest.raises(TunesmithError, match=r"metadata\.csv:2: this row has no `file_name`"):
        read_layout(tmp_path)


def test_our_manifest_comes_back(tmp_path):
    clips(tmp_path, "a.wav", "b.wav")
    pair = Sample("pair", {"prompt": AudioRef("a.wav"), "target": AudioRef("b.wav", 0.0, 0.02)}, {"caption": "x"})
    write_manifest(tmp_path / "manifest.jsonl", [pair])
    layout = read_layout(tmp_path)
    assert layout.name == "manifest"
    (sample,) = layout.samples
    assert sample.audios["target"] == AudioRef(str(tmp_path / "b.wav"), 0.0, 0.02)
    write_manifest(tmp_path / "manifest.jsonl", [pair, pair])
    with pytest.raises(TunesmithError, match="id pair is given 2 times"):
        read_layout(tmp_path)


def test_the_most_explicit_layout_wins(tmp_path):
    clips(tmp_path, "a.wav")
    assert detect_layout(tmp_path) == "folder"
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    assert detect_layout(tmp_path) == "sidecar"
    metadata(tmp_path, [{"audio": "a.wav", "text": "from the list"}])
    assert detect_layout(tmp_path) == "metadata"
    assert read_layout(tmp_path, "sidecar").samples[0].texts == {"caption": "x"}
    assert detect_layout(tmp_path, "other.json") == "sidecar"


def test_bad_folders_get_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(TunesmithError, match="no such folder"):
        read_layout(tmp_path / "nowhere")
    with pytest.raises(TunesmithError, match="holds no audio clips"):
        read_layout(tmp_path)
    clips(tmp_path, "a.wav")
    with pytest.raises(TunesmithError, match="a file, not a folder"):
        read_layout(tmp_path / "a.wav")
    with pytest.raises(TunesmithError, match=r"no other\.json here"):
        read_layout(tmp_path, metadata_file="other.json")
    with pytest.raises(TunesmithError, match="Choose one of: auto, huggingface, manifest"):
        read_layout(tmp_path, "lerobot")

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(TunesmithError, match="no permission"):
        read_layout(tmp_path)


def test_recipe_and_readers_name_the_same_layouts():
    from typing import get_args

    from tunesmith.recipe.models import DataRecipe

    names = get_args(DataRecipe.model_fields["layout"].annotation)
    assert sorted(names) == sorted(["auto", *(layout.name for layout in LAYOUTS)])


def test_a_trio_without_audio_is_told(tmp_path):
    clips(tmp_path, "a.wav", "sub/b.flac", "x_lyrics.wav")
    for name in ("a_prompt.txt", "gone_lyrics.txt", "gone_prompt.txt", "sub/a_lyrics.txt", "notes.txt"):
        (tmp_path / name).write_text("rap")
    layout = read_layout(tmp_path)
    assert layout.name == "trio"
    assert [(p.clip, p.level) for p in layout.problems] == [("gone", "error"), ("sub/a", "error")]
    assert "gone_lyrics.txt and gone_prompt.txt, and no audio called gone" in str(layout.problems[0].message)


def test_lyrics_alone_make_a_trio(tmp_path):
    clips(tmp_path, "a.wav")
    (tmp_path / "a_lyrics.txt").write_bytes("\ufeff[Verse]\r\n唱\r\n".encode())
    layout = read_layout(tmp_path, default_text="rap")
    assert layout.name == "trio"
    assert layout.samples[0].texts == {"caption": "rap", "lyrics": "[Verse]\n唱"}
