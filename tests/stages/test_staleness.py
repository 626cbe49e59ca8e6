"""What each stage depends on, gone through key by key: a change touches these stages and no others."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from tunesmith.families.registry import family_names, family_type
from tunesmith.recipe.decided import recipe_keys
from tunesmith.recipe.models import GenerateRecipe, Recipe
from tunesmith.records.clip_index import ClipIndex
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages.files_read import file_state, named_files
from tunesmith.stages.inputs import stage_inputs

EVERY = set(STAGES)
OF_SECTION = {
    "model": EVERY - {"report"},
    "data": {"check"},
    "checks": {"check"},
    "adapter": {"train"},
    "train": {"train"},
    "previews": {"train"},
    "gates": set(),
    "generate": {"generate", "evaluate"},
    "evaluate": {"evaluate"},
}
OF_KEY = {
    "name": set(),
    "options": EVERY - {"report"},
    "model.device": {"train"},  # said where training goes on elsewhere, and no reason to train again
    "model.precision": {"train"},
    "data.max_seconds": {"check", "train"},  # crops and held-out windows
    "data.min_crop_seconds": {"check", "train"},
    "data.replay": {"check", "train"},  # with it, the share that is drawn of it in each epoch
    "train.seed": {"check", "train"},  # the split is drawn with it
    "data.workers": set(),
    "previews.every": set(),
    "previews.max_share": set(),
    "generate.batch_size": set(),
}
OF_KEY |= {f"train.{key}": set() for key in (*("log_every", "save_every", "keep_checkpoints", "snapshots"),)}
"""Keys that touch other stages than the rest of their section, with the reason where it is not obvious."""
COMPANIONS = {"train.use_weights": {"train": {"ema_decay": 0.9}}}
"""Keys that may only be changed beside another one."""
ANYTHING = (True, False, 1, 2, 3, 0.25, 0.75, "x", ["x"], [0.25, 0.5], {"x": {}})


def keys() -> list[str]:
    sections = {name: value for name in Recipe.model_fields if hasattr(value := getattr(Recipe(), name), "model_dump")}
    inside = [f"{name}.{key}" for name, section in sections.items() for key in type(section).model_fields]
    return [*inside, *(name for name in Recipe.model_fields if name not in sections)]


def changed(key: str) -> dict[str, Any]:
    """A recipe that differs from the plain one, with the key's companions, in this key alone."""
    plain = COMPANIONS.get(key, {})
    section, _, name = key.rpartition(".")
    field = type(getattr(Recipe(), section)).model_fields[name] if section else Recipe.model_fields[key]
    literals = [one for part in (field.annotation, *get_args(field.annotation)) for one in get_args(part)]
    for value in itertools.chain(ANYTHING, (one for one in literals if isinstance(one, str))):
        sections = {section: {**plain.get(section, {}), name: value}} if section else {key: value}
        try:
            recipe = Recipe.model_validate(sections)
        except ValidationError:
            continue
        if recipe != Recipe.model_validate(plain):
            return sections
    raise AssertionError(f"no other value for {key}")


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without data.folder the check stage looks where it is

    def inputs_of(sections: dict[str, Any]) -> dict[str, str]:
        context = RunContext(RunFolder(tmp_path), Recipe.model_validate(sections), Console(quiet=True))
        return {stage: repr(stage_inputs(context, stage)) for stage in STAGES}

    return inputs_of


@pytest.mark.parametrize("key", keys())
def test_a_changed_key_touches_its_stages_and_no_others(inputs, key):
    before, after = inputs(COMPANIONS.get(key, {})), inputs(changed(key))
    expected = OF_KEY[key] if key in OF_KEY else OF_SECTION[key.split(".")[0]]
    assert {stage for stage in STAGES if before[stage] != after[stage]} == expected


def test_the_share_of_replay_touches_training_where_there_is_replay(inputs):
    before, after = (inputs({"data": {"replay": "other", "replay_share": share}}) for share in (0.2, 0.4))
    assert {stage for stage in STAGES if before[stage] != after[stage]} == {"check", "train"}


@pytest.fixture
def touched(tmp_path, inputs):
    """A function: which stages a change of what lies on disk touches, under a recipe."""

    def touched_by(change: Callable[[], object], **generate: Any) -> set[str]:
        sections = {"data": {"folder": str(tmp_path / "clips")}, "generate": generate}
        before = inputs(sections)
        change()
        after = inputs(sections)
        return {stage for stage in STAGES if before[stage] != after[stage]}

    return touched_by


def write(path: Path, text: str = "x") -> Callable[[], object]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return lambda: path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("key", ["lyrics", "source"])
def test_files_that_generation_reads_by_name_count_by_what_is_in_them(touched, tmp_path, key):
    path = tmp_path / "song.txt"
    write(path, "la")()
    assert touched(write(path, "la la"), **{key: str(path)}) == {"generate", "evaluate"}
    assert touched(write(path, "la la"), **{key: str(path)}) == set()


def test_lyrics_themselves_are_no_file(tmp_path):
    write(tmp_path / "song.txt")()
    path = str(tmp_path / "song.txt")
    longest = str(tmp_path) + "/" * (1023 - len(path)) + "/song.txt"
    assert len(longest) == 1023
    assert len(named_files(GenerateRecipe(lyrics=longest))) == 1
    assert named_files(GenerateRecipe(lyrics=longest.replace("/song", "//song"))) == []
    assert named_files(GenerateRecipe(lyrics="la\nla")) == []
    write(tmp_path / "two\nlines")()
    assert named_files(GenerateRecipe(lyrics=str(tmp_path / "two\nlines"))) == []


def test_adapters_count_by_their_tensors_with_or_without_a_strength(touched, tmp_path):
    file, folder = tmp_path / "lora.safetensors", tmp_path / "lora"
    for path in (file, folder / "deep" / "adapter_model.safetensors"):
        write(path)()
    loras = [f"{file}:0.5", str(folder)]
    generation = {"generate", "evaluate"}
    assert touched(write(file, "y"), loras=loras) == generation
    assert touched(write(file, "z"), loras=[str(file)]) == generation
    assert touched(write(folder / "deep" / "adapter_model.safetensors", "y"), loras=loras) == generation
    assert touched(write(folder / "README.md"), loras=loras) == set()
    assert touched(write(tmp_path / "new.safetensors")) == set(), "nothing is named"


def test_the_samples_and_the_encoding_touch_what_is_made_of_them(touched, tmp_path):
    folder = RunFolder(tmp_path)
    assert touched(write(folder.manifest, "")) == {"encode", "generate", "evaluate"}, "no clip was encoded yet"
    for key in ("a", "b"):
        index = ClipIndex(clips={"a.wav": f"train {key}"})
        assert touched(write(folder.clip_index, json.dumps(index.to_json()))) == {"train", "generate", "evaluate"}
    assert touched(write(folder.manifest, "\n")) == {"encode"}, "where the clips lie is nothing to train again for"


def test_every_key_says_what_it_decides():
    for kind in (family_type(name) for name in family_names()):
        recipe = Recipe.model_validate(
            {
                "model": {"family": kind.name},
                "train": {"stages": {"one": {}}},
                "adapter": {"networks": {"one": {}}},
            }
        )
        undecided = [key.name for key in recipe_keys(recipe, kind.settings()) if key.decides is None]
        assert undecided == [], kind.name


def test_a_new_adapter_is_generated_with_and_evaluated(touched, tmp_path):
    best = RunFolder(tmp_path).best
    for name in ("llm/adapter_model.safetensors", "flow/tuned.safetensors"):
        assert touched(write(best / name)) == {"generate", "evaluate"}
    assert touched(write(best / "README.md")) == set()


def test_the_report_reads_what_the_others_wrote(touched, tmp_path):
    folder = RunFolder(tmp_path)
    sources = [folder.findings, folder.metrics, folder.resolved]
    sources += [folder.evaluation / "comparison_results.json", folder.generated / "generated.json"]
    for path in sources:
        assert touched(write(path)) == {"report"}, path


def test_a_clip_that_is_added_changed_or_removed_is_checked_again(touched, tmp_path):
    clips = tmp_path / "clips"
    assert touched(write(clips / "a.wav")) == {"check"}
    assert touched(write(clips / "deep" / "b.wav")) == {"check"}
    assert touched(write(clips / "a.wav", "longer")) == {"check"}
    assert touched(lambda: os.utime(clips / "a.wav", ns=(1, 1))) == {"check"}
    assert touched((clips / "a.wav").unlink) == {"check"}
    assert touched((clips / "empty").mkdir) == set(), "folders are not clips"


def test_what_is_not_there_is_nothing_to_depend_on(inputs, tmp_path):
    gone = {"data": {"folder": str(tmp_path / "gone"), "replay": str(tmp_path / "gone too")}}
    assert inputs(gone) == inputs(gone)


def test_a_folder_read_as_pairs_depends_on_the_audio_that_its_list_names(inputs, tmp_path):
    assert file_state(tmp_path / "gone") is None
    clip, folder = tmp_path / "elsewhere" / "a.wav", tmp_path / "lists"
    for path, text in ((clip, "a"), (folder / "train.jsonl", "")):
        write(path, text)()
    line = {"prompt_audio_path": str(clip), "target_audio_path": str(clip), "prompt_text": "a", "target_text": "b"}
    (folder / "train.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    sections = {"data": {"folder": str(folder), "layout": "pairs"}}
    before = inputs(sections)["check"]
    clip.write_text("longer", encoding="utf-8")
    assert inputs(sections)["check"] != before
