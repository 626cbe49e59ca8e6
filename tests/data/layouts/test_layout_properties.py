"""Whatever lies in a folder: a dataset with its problems, or a sentence; never another exception."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import bounded
from tunesmith.data.layouts import AUTO, LAYOUTS, Dataset, read_layout
from tunesmith.errors import TunesmithError

CLIPS = ("a.wav", "b.wav", "train/a.wav", "train/c d.wav", "x_01.wav", "x_02.wav")
KEYS = """
audio text file_name id audios texts attributes path start end split source repeats duration prompt_audio_path
target_audio_path prompt_text target_text edit_type edit_info speaker_id source_audio target_vq02vq06 task_type caption
lyrics splits _data_files filename tags clip status
""".split()  # noqa: SIM905
words = st.sampled_from(
    [*CLIPS, "../a.wav", "/a.wav", "gone.wav", "train", "", ".", "valid", "clone", "emotion", "\x00", "auto"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=6,
)
span = st.fixed_dictionaries({"path": words}, optional={"start": values, "end": values, "duration": values}) | values
spans = st.dictionaries(st.sampled_from(["audio", "prompt"]), span, max_size=2) | values
texts = st.dictionaries(words, values, max_size=2) | values
ROWS = {
    "metadata": st.fixed_dictionaries({"audio": words | values, "text": words | values}, optional={"id": values}),
    "table": st.fixed_dictionaries({"file_name": words | values}, optional={"text": words | values, "lyrics": values}),
    "record": st.dictionaries(
        st.sampled_from(["caption", "description", "lyrics", "keywords", "bpm", "key", "language", "moods"]), values
    ),
    "pair": st.fixed_dictionaries(
        {"prompt_audio_path": words, "target_audio_path": words | values},
        optional={"prompt_text": words | values, "target_text": values, "edit_type": words | values},
    ),
    "sample": st.fixed_dictionaries(
        {"id": words | values, "audios": spans},
        optional={"texts": texts, "attributes": values, "source": values, "split": words | values, "repeats": values},
    ),
    "label": st.fixed_dictionaries(
        {"id": words | values, "status": st.just("ok") | values, "audio": words | values, "key": words | values,
         "provider": words},
        optional={"tags": values, "recaption": values, "measured": values, "tags_from": values, "reason": values},
    ),
}  # fmt: skip


def json_lines(kind: str) -> st.SearchStrategy[str]:
    return st.lists(ROWS[kind], max_size=4).map(lambda rows: "\n".join(map(json.dumps, rows)))


def comma_separated(rows: list[dict[str, Any]]) -> str:
    return "\n".join(["file_name,text", *(",".join(map(str, row.values())) for row in rows)])


anything = st.dictionaries(st.sampled_from(KEYS), values, max_size=4).map(json.dumps) | st.text(max_size=60)
tables = st.dictionaries(st.sampled_from(KEYS), values, max_size=4).map(json.dumps)
FILES = {
    "metadata.json": st.lists(ROWS["metadata"], max_size=4).map(json.dumps),
    "metadata.jsonl": json_lines("table"),
    "train/metadata.jsonl": json_lines("table"),
    "metadata.csv": st.lists(ROWS["table"], max_size=4).map(comma_separated),
    "captions.csv": st.lists(ROWS["table"], max_size=4).map(comma_separated),
    "dataset.jsonl": json_lines("table"),
    "manifest.jsonl": json_lines("sample"),
    "train.jsonl": json_lines("pair"),
    "val.jsonl": json_lines("pair"),
    "edits.jsonl": json_lines("pair"),
    "labels.jsonl": json_lines("label"),
    "state.json": tables,
    "dataset_info.json": tables,
    "dataset_dict.json": tables,
    **dict.fromkeys(("a.json", "train/a.JSON"), ROWS["record"].map(json.dumps)),
    **dict.fromkeys(
        ("a.txt", "a_prompt.txt", "x_01_lyrics.txt", "a.caption.txt", "b.TXT", "b.lyrics"), st.text(max_size=60)
    ),
}


def contents(name: str) -> st.SearchStrategy[tuple[str, bytes]]:
    """The file's name with bytes that nearly fit it, or do not at all."""
    written = st.one_of(FILES[name], FILES[name], FILES[name], anything)
    encoded = written.map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.tuples(st.just(name), st.one_of(encoded, encoded, encoded, encoded, st.binary(max_size=60)))


files = st.lists(st.sampled_from(sorted(FILES)).flatmap(contents), max_size=3).map(dict)
folders = st.fixed_dictionaries({"clips": st.sets(st.sampled_from(CLIPS)), "lists": files})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(800) / 5), 8000)
    return path


def lay_out(root: Path, clip: Path, what: dict[str, Any]) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name in what["clips"]:
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(clip, root / name)
    for name, content in what["lists"].items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    return root


def checked(dataset: Dataset) -> None:
    assert dataset.samples or dataset.problems
    assert len({sample.id for sample in dataset.samples}) == len(dataset.samples)
    for sample in dataset.samples:
        assert all(isinstance(text, str) for text in sample.texts.values())
        assert all(Path(audio.path).is_absolute() for audio in sample.audios.values())
    for problem in dataset.problems:
        assert problem.message and problem.clip


@bounded(300)
@given(folders, st.sampled_from([AUTO, AUTO, *(layout.name for layout in LAYOUTS)]), st.none() | st.just("a tone"))
def test_any_folder_is_a_dataset_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, clip: Path, what: dict[str, Any], name: str, default_text: str | None
) -> None:
    folder = lay_out(Path(tmp_path_factory.getbasetemp()) / "any", clip, what)
    try:
        dataset = read_layout(folder, name, default_text=default_text)
    except TunesmithError as error:
        assert str(folder) in str(error)
    else:
        checked(dataset)


@bounded(150)
@given(contents("train.jsonl").map(lambda file: file[1]))
def test_any_list_is_a_dataset_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, clip: Path, content: bytes
) -> None:
    folder = lay_out(
        Path(tmp_path_factory.getbasetemp()) / "list", clip, {"clips": CLIPS, "lists": {"train.jsonl": content}}
    )
    try:
        dataset = read_layout(folder / "train.jsonl")
    except TunesmithError as error:
        assert str(folder) in str(error)
    else:
        checked(dataset)
