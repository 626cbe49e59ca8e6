"""Indexes and tokenisers of a damaged base model are refused in a sentence, whichever family reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.families.config_file import read_config_file
from tunesmith.families.indexed import indexed_files
from tunesmith.families.own_prompts import own_prompts
from tunesmith.families.tokenizer import read_tokenizer
from tunesmith.pocket.shipped import pocket_path


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../x.safetensors"}}'],
)
def test_an_index_that_names_no_files_beside_it(content: str, tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "2", "b": "1", "c": "2"}}))
    assert indexed_files(index) == [tmp_path / "1", tmp_path / "2"]
    index.write_text(content)
    with pytest.raises(TunesmithError, match="this index names no weight files"):
        indexed_files(index)


@pytest.mark.parametrize("content", ["[]", "3", '"x"', "{", ""])
def test_a_config_that_is_none(content: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"a": 1}')
    assert read_config_file(file) == {"a": 1}
    file.write_text(content)
    with pytest.raises(TunesmithError, match=r"this is not the config of a model|this file is not JSON"):
        read_config_file(file)


@pytest.mark.parametrize("name", ["music_dcae_f8c8", "music_vocoder"])
def test_a_config_of_ace_step_that_lacks_sizes(name: str, tmp_path: Path) -> None:
    from tunesmith.families.ace_step.config import FOLDERS, read_config

    for part in FOLDERS:
        (tmp_path / part).mkdir()
        shutil.copyfile(pocket_path("ace_step") / part / "config.json", tmp_path / part / "config.json")
    read_config(tmp_path)
    (tmp_path / name / "config.json").write_text('{"encoder_block_out_channels": 3}')
    with pytest.raises(TunesmithError, match="sizes are missing"):
        read_config(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", "[1]", "3"])
def test_prompts_of_a_checkpoint_that_are_none(content: str, tmp_path: Path) -> None:
    assert own_prompts(tmp_path, ("a",)) == ("a",)
    (tmp_path / "base_prompts.json").write_text('["b"]')
    assert own_prompts(tmp_path, ("a",)) == ("b",)
    (tmp_path / "base_prompts.json").write_text(content)
    with pytest.raises(TunesmithError, match="this file is no list of prompts"):
        own_prompts(tmp_path, ("a",))


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", ["", "{}", "[]", "\x00\x01"])
def test_a_damaged_tokeniser(file: str, content: str, tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    assert read_tokenizer(folder)("trap")["input_ids"]
    (folder / file).write_text(content)
    try:
        read_tokenizer(folder)  # transformers may do without one of the files
    except TunesmithError as error:
        assert "this text tokeniser cannot be read" in str(error)
        assert "object has no attribute" not in str(error)
