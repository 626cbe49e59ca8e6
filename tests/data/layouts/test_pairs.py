"""Lists of speech pairs: what is in a line, where audio lies, what is held out, and every broken line by its number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.layouts import detect_layout, read_layout
from tunesmith.data.layouts.dataset import Dataset
from tunesmith.errors import TunesmithError

TOKENS = [65_536, 65_537, 66_560, 66_561, 66_562]


def clips(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        save(folder / name, phrase(number, 0.4)[:800])


def line(prompt: str = "p.wav", target: str = "a.wav", **more) -> dict:
    return {"prompt_audio_path": prompt, "target_audio_path": target, **more}


def listed(folder: Path, *lines: object, name: str = "train.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in lines]
    path = folder / name
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def problems(layout: Dataset) -> dict[str, str]:
    assert {finding.level for finding in layout.problems} <= {"error"}
    assert all(f.message.render("zh") != str(f.message) and f.remedy for f in layout.problems)
    return {finding.clip: str(finding.message) for finding in layout.problems}


def told(layout: Dataset) -> str:
    return " ".join(str(note) for note in layout.notes)


def test_a_folder_with_both_lists_brings_its_own_split(tmp_path):
    clips(tmp_path, "p.wav", "a.wav", "b.wav")
    path = listed(
        tmp_path, line(prompt_text="a voice", target_text="你好 \u2028 world", speaker_id=7, edit_type="clone", take=3)
    )
    listed(tmp_path, line(target="b.wav", edit_type="emotion", edit_info="happy"), name="val.jsonl")
    layout = read_layout(tmp_path)
    assert layout.name == detect_layout(tmp_path) == "pairs"
    first, second = layout.samples
    assert first.id == "a.wav"
    assert {role: ref.path for role, ref in first.audios.items()} == {
        "audio": str(tmp_path / "a.wav"),
        "prompt": str(tmp_path / "p.wav"),
    }
    assert first.texts == {"caption": "你好 \u2028 world", "prompt_text": "a voice"}
    assert first.attributes == {"edit_type": "clone", "speaker_id": "7", "take": 3, "line": f"{path}:1"}
    assert second.attributes["edit_info"] == "happy" and second.texts == {}
    assert [sample.split for sample in layout.samples] == ["train", "valid"]
    assert first.targets == {"audio": first.audios["audio"]} and first.target == first.audios["audio"]


def test_a_list_may_be_named_itself_and_leaves_others_alone(tmp_path):
    clips(tmp_path, "p.wav", "a.wav", "b.wav", "c.wav")
    path = listed(tmp_path, line(), line(target="b.wav"))
    other = listed(tmp_path, line(target="c.wav"), name="val.jsonl")
    assert detect_layout(path) == "pairs"
    layout = read_layout(path)
    assert [(sample.id, sample.split) for sample in layout.samples] == [("a.wav", None), ("b.wav", None)]
    assert "val.jsonl is there and is not used" in told(layout)
    both = read_layout(path, valid_file=str(other))
    assert [sample.split for sample in both.samples] == ["train", "train", "valid"]
    assert "not used" not in told(both)


def test_one_list_of_another_name_is_found_and_two_are_too_many(tmp_path):
    clips(tmp_path, "p.wav", "a.wav")
    listed(tmp_path, line(), name="voice.jsonl")
    listed(tmp_path, {"id": "labels of another kind"}, name="other.jsonl")
    assert [sample.id for sample in read_layout(tmp_path).samples] == ["a.wav"]
    listed(tmp_path, line(), name="second.jsonl")
    with pytest.raises(TunesmithError, match=r"second.jsonl, voice.jsonl.*Name the file itself"):
        read_layout(tmp_path)


def test_relative_paths_count_from_the_list_and_then_from_the_working_directory(tmp_path, monkeypatch):
    clips(tmp_path, "data/audio/a.wav", "data/lists/p.wav", "far/b.wav")
    path = listed(
        tmp_path / "data/lists",
        line("p.wav", "data/audio/a.wav"),
        line("p.wav", str(tmp_path / "far/b.wav")),
        line("p.wav", "data\\audio\\a.wav", edit_type="speed"),
    )
    monkeypatch.chdir(tmp_path)
    layout = read_layout(path)
    assert layout.samples[0].target.path == layout.samples[2].target.path == str(tmp_path / "data/audio/a.wav")
    assert layout.samples[1].target.path == str(tmp_path / "far/b.wav")
    assert f"3 relative audio paths are read from the list's folder, {tmp_path / 'data/lists'}" in told(layout)
    assert f"2 relative audio paths are read from the working directory, {tmp_path}" in told(layout)


def test_every_broken_line_is_told_by_its_number_and_the_rest_goes_on(tmp_path):
    clips(tmp_path, "p.wav", "a.wav", "b.wav")
    lines = [
        line(),
        "",
        "   \t",
        '{"prompt_audio_path": "p.wav", ',
        "[1, 2]",
        {"prompt_audio_path": "p.wav"},
        {"target_text": "words", "target_audio_path": "", "prompt_audio_path": None},
        line(target=5),
        line(target_text=["a"]),
        line(edit_type=True),
        line(target="gone.wav"),
        line(prompt="x" * 5000),
        line(prompt="\x00"),
        '{"prompt_audio_path": ' + "[" * 100_000,
        line(target="b.wav", speaker_id=None, edit_info=""),
        {**line(), "task_type": "edit"},
    ]
    path = listed(tmp_path, *lines)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b'{"target_audio_path": "\xff"}')
    layout = read_layout(tmp_path)
    assert [sample.id for sample in layout.samples] == ["a.wav", "b.wav"]
    assert layout.samples[1].attributes == {"edit_type": "clone", "line": f"{path}:15"}
    found = problems(layout)
    assert [clip.partition(":")[2] for clip in found if ":" in clip] == [str(n) for n in range(4, 18) if n != 15]
    for number, words in {
        4: "not JSON",
        5: "not an object",
        6: "no `target_audio_path`",
        7: "no `prompt_audio_path` or `target_audio_path`",
        8: "`target_audio_path` is a number",
        9: "`target_text` is a list",
        10: "`edit_type` is true or false",
        11: "target audio gone.wav is not there",
        12: "prompt audio xxx",
        13: "prompt audio",
        14: "not JSON",
        16: "no `edit_type`",
        17: "not UTF-8",
    }.items():
        assert words in found[f"train.jsonl:{number}"], number


@pytest.mark.parametrize("content", ["", "\n\n", "{\n", '{"text": "a"}\n', '[{"prompt_audio_path": "a"}]\n'])
def test_a_list_without_any_pair_stops(tmp_path, content):
    path = tmp_path / "train.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TunesmithError, match=r"train.jsonl:1: no line of this file is a speech pair; the first: "):
        read_layout(path)


def test_lines_of_one_target_have_names_of_their_own_and_equal_lines_are_one(tmp_path):
    clips(tmp_path, "p.wav", "q.wav", "a.wav", "b.wav")
    listed(tmp_path, line(), line("q.wav"), line(), line("p.wav", "b.wav"))
    layout = read_layout(tmp_path)
    assert [(s.id, s.repeats) for s in layout.samples] == [
        ("a.wav (train.jsonl:1)", 2),
        ("a.wav (train.jsonl:2)", 1),
        ("b.wav", 1),
    ]
    assert layout.samples[0].source == layout.samples[1].source != layout.samples[2].source
    assert "1 lines are there more than once (2 times in all)" in told(layout)


def test_edits_of_one_recording_stay_together_unless_the_user_parted_them(tmp_path):
    clips(tmp_path, "p.wav", "a.wav", "b.wav", "c.wav")
    edit = {"edit_type": "emotion", "edit_info": "sad"}
    listed(tmp_path, line("p.wav", "a.wav", **edit), line("p.wav", "b.wav", **edit), line("b.wav", "p.wav"))
    assert len({sample.source for sample in read_layout(tmp_path).samples}) == 1
    listed(tmp_path, line("p.wav", "c.wav", **edit), name="val.jsonl")
    assert len({sample.source for sample in read_layout(tmp_path).samples}) == 4


def tokens(**more) -> dict:
    return {
        "source_audio": "/nowhere/a.wav",
        "source_text": "the source",
        "source_vq02vq06": TOKENS,
        "target_text": "the target",
        "target_vq02vq06": TOKENS * 2,
        "task_type": "edit",
        "edit_type": "emotion",
        "edit_info": "happy",
        **more,
    }


def test_lines_with_audio_tokens_need_no_audio(tmp_path):
    clips(tmp_path, "p.wav", "a.wav")
    text = "".join(f"<audio_{number}>" for number in (0, 1, 1024, 1025, 1026))
    listed(
        tmp_path,
        tokens(rejected_vq02vq06=TOKENS, rejected_text="x"),
        tokens(source_audio="p.wav", source_vq02vq06=text, task_type="clone", edit_type=None, edit_info=None),
        {**line(), "source_vq02vq06": TOKENS, "target_vq02vq06": TOKENS},
    )
    layout = read_layout(tmp_path)
    plain, heard, both = layout.samples
    assert plain.id == "train.jsonl:1" and plain.audios == {} and plain.target is None
    assert plain.texts == {"caption": "the target", "prompt_text": "the source"}
    assert plain.attributes["prompt_tokens"] == TOKENS and plain.attributes["target_tokens"] == TOKENS * 2
    assert plain.seconds == plain.attributes["seconds"] == 0.24
    assert not any("rejected" in key or "vq02" in key for key in plain.attributes)
    assert heard.attributes["prompt_tokens"] == [0, 1, 1024, 1025, 1026] and heard.attributes["edit_type"] == "clone"
    assert set(heard.audios) == {"prompt"} and heard.target is None
    assert both.id == "a.wav" and set(both.audios) == {"audio", "prompt"}
    assert "rejected_text, rejected_vq02vq06 is not used" in told(layout)
    assert "2 lines bring audio tokens and no target audio" in told(layout)
    assert "1 audio files of lines with tokens of their own are not there" in told(layout)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target_vq02vq06": []}, "declares audio tokens, and `target_vq02vq06` holds none"),
        ({"target_vq02vq06": None}, "declares audio tokens, and `target_vq02vq06` holds none"),
        ({"source_vq02vq06": ""}, "declares audio tokens, and `source_vq02vq06` holds none"),
        ({"target_vq02vq06": "hello"}, "`target_vq02vq06` is no list of audio token numbers"),
        ({"target_vq02vq06": [1, 2.5]}, "`target_vq02vq06` is no list of audio token numbers"),
        ({"target_vq02vq06": [True]}, "`target_vq02vq06` is no list of audio token numbers"),
    ],
)
def test_declared_tokens_have_to_be_there(tmp_path, change, words):
    layout = read_layout(listed(tmp_path, tokens(), tokens(**change)))
    assert len(layout.samples) == 1
    assert words in problems(layout)["train.jsonl:2"]


def test_a_list_is_no_folder_and_a_folder_no_list(tmp_path):
    clips(tmp_path, "p.wav", "a.wav")
    path = listed(tmp_path, line())
    with pytest.raises(TunesmithError, match="the layout `metadata` reads a folder"):
        read_layout(path, "metadata")
    with pytest.raises(TunesmithError, match="the layout `folder` reads a folder, not a list"):
        read_layout(tmp_path, "folder", valid_file=str(path))
    with pytest.raises(TunesmithError, match=r"this is a file, not a folder.*or a .jsonl list"):
        read_layout(tmp_path / "a.wav")
    with pytest.raises(TunesmithError, match="no such file or folder"):
        read_layout(path, valid_file=str(tmp_path / "val.jsonl"))
    with pytest.raises(TunesmithError, match=r"no train.jsonl.*found: none"):
        read_layout(save(tmp_path / "sub/x.wav", phrase(1)).parent, "pairs")


def test_a_train_list_that_cannot_be_read_is_not_taken_for_a_folder_of_clips(tmp_path):
    clips(tmp_path, "a.wav")
    listed(tmp_path, "{", "{")
    with pytest.raises(TunesmithError, match="no line of this file is a speech pair"):
        read_layout(tmp_path)
