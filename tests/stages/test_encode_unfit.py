"""A sample that cannot be encoded is put aside, and the others go on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.families.step_audio.tiny_checkpoint import CODES, write_pairs, write_tiny
from tunesmith.data.sample import read_manifest, write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.text_checks import TARGET_TOKENS
from tunesmith.files import read_json
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode import encode


@pytest.fixture
def context(tmp_path):
    folder = RunFolder(tmp_path / "run").create()
    recipe = Recipe.model_validate({"model": {"path": str(write_tiny(tmp_path / "model")), "device": "cpu"}})
    return RunContext(folder, recipe, Console(quiet=True))


def spoilt(sample):
    """Tokens of one group for a recording that is far longer."""
    return replace(
        sample, attributes={**sample.attributes, TARGET_TOKENS: [0, 0, *[CODES[0]] * 3], "line": "a.jsonl:7"}
    )


def test_the_rest_goes_on_and_the_line_is_named(context, tmp_path):
    pairs = write_pairs(tmp_path / "clips")
    wrong = next(i for i, s in enumerate(pairs) if s.split != "valid")
    write_manifest(context.folder.manifest, [spoilt(s) if i == wrong else s for i, s in enumerate(pairs)])
    encode(context)
    assert [s.id for s in read_manifest(context.folder.manifest)] == [s.id for s in pairs if s.id != pairs[wrong].id]
    found = read_json(context.folder.findings)
    assert "a.jsonl:7: target:" in found["quarantined"][pairs[wrong].id]["text"]
    assert found["findings"][-1]["check"] == "encode"
    assert encode(context)["encoded"]["mel"] == 0
    json.dumps(found)


def test_nothing_left_is_said(context, tmp_path):
    write_manifest(context.folder.manifest, [spoilt(s) for s in write_pairs(tmp_path / "clips")])
    with pytest.raises(TunesmithError, match="none of 8 samples can be encoded"):
        encode(context)
