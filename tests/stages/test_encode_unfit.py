"""A sample that cannot be encoded is put aside, and the others go on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.families.step_audio.tiny_checkpoint import CODES, write_pairs, write_tiny
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, Variant, read_manifest, write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.text_checks import TARGET_TOKENS
from tunesmith.files import read_json
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode import encode
from tunesmith.training.clips import Clips
from tunesmith.training.setup import open_clips


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


def test_every_epoch_draws_one_of_the_prompts_and_measuring_takes_the_first(context, tmp_path):
    pairs = [s for s in write_pairs(tmp_path / "clips") if "edit_type" not in s.attributes]
    others = tuple(Variant({PROMPT: s.audios[PROMPT]}, {PROMPT_TEXT: s.texts[PROMPT_TEXT]}) for s in pairs[3:])
    write_manifest(context.folder.manifest, [*pairs[:2], replace(pairs[2], variants=others)])
    encode(context)
    clips = open_clips(context).train

    def prompt_at(rngs: ItemRng | None) -> bytes:
        item = clips.read(0, clips.crop(0, rngs))
        return item["prompt_codes"].tobytes() + item["ids"].tobytes() + item["mu"].tobytes()

    drawn = [prompt_at(ItemRng(0, epoch, "2")) for epoch in range(30)]
    assert len(set(drawn)) == 1 + len(others)
    assert drawn == [prompt_at(ItemRng(0, epoch, "2")) for epoch in range(30)]
    alone = [
        Clips(context.family, clips.store, [v], max_frames=10**6, min_frames=1) for v in clips.samples[0].in_variants()
    ]
    codes = {bytes(one.read(0, one.crop(0, None))["prompt_codes"]) for one in alone}
    assert {bytes(clips.read(0, clips.crop(0, ItemRng(0, n, "2")))["prompt_codes"]) for n in range(30)} == codes
    first = alone[0].read(0, alone[0].crop(0, None))
    assert prompt_at(None) == first["prompt_codes"].tobytes() + first["ids"].tobytes() + first["mu"].tobytes()


def test_only_the_prompt_that_cannot_be_encoded_is_left_out(context, tmp_path):
    pairs = [s for s in write_pairs(tmp_path / "clips") if "edit_type" not in s.attributes]
    broken, fine = "five <audio_5>", Variant({PROMPT: pairs[4].audios[PROMPT]}, {PROMPT_TEXT: "good"})
    bad = Variant({PROMPT: pairs[3].audios[PROMPT]}, {PROMPT_TEXT: broken})
    sample = replace(pairs[2], texts={**pairs[2].texts, PROMPT_TEXT: broken}, variants=(bad, fine))
    lost = replace(pairs[5], texts={**pairs[5].texts, PROMPT_TEXT: broken})
    write_manifest(context.folder.manifest, [*pairs[:2], sample, lost])
    encode(context)
    kept = {s.id: s for s in read_manifest(context.folder.manifest)}
    assert kept["2"].audios[PROMPT] == pairs[4].audios[PROMPT] and kept["2"].texts[PROMPT_TEXT] == "good"
    assert not kept["2"].variants and lost.id not in kept
    assert set(read_json(context.folder.findings)["quarantined"]) == {lost.id}
    assert encode(context)["encoded"]["mu"] == 0
