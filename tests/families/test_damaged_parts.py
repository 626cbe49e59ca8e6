"""Indexes and tokenisers of a damaged base model are refused in a sentence, whichever family reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.families.component import indexed_files
from tunesmith.families.tokenizer import read_tokenizer


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
