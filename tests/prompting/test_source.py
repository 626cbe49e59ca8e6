"""What the source of an edit is: said, taken from the run's own clips, or asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tests.golden_files import golden_path
from tunesmith.data.sample import SPEAKER, AudioRef, Sample, write_manifest
from tunesmith.families.contract import GenerationRequest
from tunesmith.prompting.choose import choose_prompts
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.generate import requests_for, with_source

CLIPS = {"a.wav": ("rock, slow", "[verse]\nla la"), "b.wav": ("pop", "")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two clips, one of them sung, a stranger, and a copy of the first under another name."""
    for pitch, name in enumerate([*CLIPS, "stranger.wav"]):
        save(tmp_path / name, phrase(pitch, 2))
    shutil.copy(tmp_path / "a.wav", tmp_path / "copy.wav")
    return tmp_path


def requests(folder: Path, source: str, task: str = "edit", **generate: object) -> list[GenerationRequest]:
    """The requests of a run over the two clips."""
    recipe = Recipe.model_validate(
        {
            "name": "run",
            "model": {"path": str(golden_path("ace_step/tiny_checkpoint")), "family": "ace_step"},
            "options": {"task": task},
            "generate": {"prompts": ("jazz",), "source": str(folder / source), "seconds": 2.0, **generate},
        }
    )
    run = RunFolder(folder / "run").create()
    samples = [
        Sample(name, {"audio": AudioRef(str(folder / name), duration=2.0)}, {"caption": tags, "lyrics": words})
        for name, (tags, words) in CLIPS.items()
    ]
    write_manifest(run.manifest, samples)
    context = RunContext(run, recipe, Console(quiet=True, log_file=run.log))
    prompts = choose_prompts(context, recipe.generate.prompts, recipe.generate.count, 2.0)
    return with_source(context, requests_for(prompts, 2.0, 1, context.family))


def log(folder: Path) -> str:
    path = folder / "run" / "train.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize("source", ["a.wav", "copy.wav"])
def test_a_clip_of_the_run_says_itself_what_it_is_and_keeps_its_words(folder: Path, source: str) -> None:
    (request,) = requests(folder, source)
    words = CLIPS["a.wav"][1]
    assert request.texts == {"caption": "jazz", "source_caption": "rock, slow", "source_lyrics": words, "lyrics": words}
    assert "the source is the clip a.wav" in log(folder)


def test_what_is_said_of_the_source_goes_before_what_its_clip_says(folder: Path) -> None:
    (request,) = requests(folder, "a.wav", source_prompt="blues")
    assert request.texts == {"caption": "jazz", "source_caption": "blues"}
    (folder / "old.txt").write_text("la la")
    (request,) = requests(folder, "stranger.wav", source_lyrics=str(folder / "old.txt"), lyrics="lo lo")
    assert request.texts == {"caption": "jazz", "lyrics": "lo lo", "source_lyrics": "la la"}
    assert not log(folder)


def test_only_an_edit_asks_what_its_source_is(folder: Path) -> None:
    assert requests(folder, "a.wav", task="audio2audio")[0].texts == {"caption": "jazz"}
    assert requests(folder, "stranger.wav")[0].texts == {"caption": "jazz"}


@pytest.mark.parametrize(
    ("said", "warned"),
    [({"source_prompt": "jazz"}, True), ({"source_prompt": "rock"}, False), ({"source_lyrics": "la"}, False)],
)
def test_an_edit_between_equal_texts_is_warned_of(folder: Path, said: dict[str, str], warned: bool) -> None:
    requests(folder, "stranger.wav", **said)
    assert ("warning: the prompt 'jazz' and the source are described alike" in log(folder)) is warned


def test_a_held_out_clip_brings_its_speaker_vector(folder: Path) -> None:
    (request,) = requests(folder, "a.wav", task="audio2audio")
    assert SPEAKER not in request.texts
    run = RunFolder(folder / "run")
    ref = AudioRef(str(folder / "b.wav"), duration=2.0)
    write_manifest(
        run.manifest, [Sample("b.wav", {"audio": ref}, {"caption": "pop"}, {SPEAKER: "v.npy"}, split="valid")]
    )
    recipe = Recipe.model_validate(
        {"name": "r", "model": {"path": str(golden_path("ace_step/tiny_checkpoint")), "family": "ace_step"}}
    )
    (prompt,) = choose_prompts(RunContext(run, recipe, Console(quiet=True)), (), 1, 2.0)
    assert prompt.texts == {"caption": "pop", SPEAKER: "v.npy"}
