"""The check stage with a replay set beside the user's own clips."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tests.families.duet import DUET
from tests.stages.test_check_speech import checked, context, line, listed, voice
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.planning.clips import planned_clips
from tunesmith.prompting.choose import choose_prompts
from tunesmith.recipe.load import load_recipe, load_text
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages import check as stage
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.planned import make_plan, samples_of


def edits(folder: Path, *kinds: str) -> Path:
    """Two pairs of each kind, in sound that the voice does not have; a source and its edit take turns."""
    for n in range(4 * len(kinds)):
        save(folder / f"part_{n}.wav", phrase(100 + n, 3.0))
    return listed(
        folder, *(line(2 * n, 2 * n + 1, edit_type=kind) for n, kind in enumerate(k for k in kinds for _ in range(2)))
    )


def test_edits_are_checked_split_by_type_and_kept_apart(tmp_path):
    mine, replay = voice(tmp_path / "voice", 12), edits(tmp_path / "edits", "vad", "denoise")
    summary, samples, _ = checked(tmp_path, mine, replay=str(replay), replay_share=0.25)
    own = [sample for sample in samples if not is_replay(sample)]
    assert own == checked(tmp_path / "plain", mine)[1], "as they are without a replay set"
    apart = [sample for sample in samples if is_replay(sample)]
    assert all(sample.id.startswith("replay/") for sample in apart)
    assert (summary["kept"], summary["train"], summary["valid"], len(apart)) == (12, 10, 2, 4)
    told = summary["replay"]
    assert told["kinds"] == {kind: {"train": 1, "valid": 1} for kind in ("denoise", "vad")}
    assert (told["per_epoch"], told["layout"]) == (3, "pairs") and told["share"] == pytest.approx(3 / 13, abs=1e-4)


def test_a_clip_of_both_sets_counts_as_the_users_own(tmp_path):
    mine, replay = voice(tmp_path / "voice", 8), voice(tmp_path / "again", 12)
    summary, samples, found = checked(tmp_path, mine, replay=str(replay))
    assert set(summary["quarantined"]) == {f"replay/part_{n}.wav" for n in range(8)}
    assert "holds the same sound as part_0.wav" in found["replay/part_0.wav"][0]
    assert summary["kept"] == 8 and summary["replay"]["kept"] == 4
    for sample in samples:
        home = replay if is_replay(sample) else mine
        assert Path(sample.audios["prompt"].path).parent == home, "neither set prompts the other"


def test_too_few_clips_for_the_share_are_said(tmp_path):
    mine = voice(tmp_path / "voice", 12)
    replay = edits(tmp_path / "edits", "vad")
    summary, _, _ = checked(tmp_path, mine, replay=str(replay), replay_share=0.5)
    assert summary["replay"]["per_epoch"] == 4 and summary["replay"]["train"] == 1
    assert any(
        note["text"].startswith("1 replay clips, drawn at most 4 times per pass, make up 29% of it and not 50%")
        for note in summary["notes"]
    )


def test_a_replay_set_without_a_usable_clip_stops_the_run(tmp_path):
    mine = voice(tmp_path / "voice", 8)
    short = tmp_path / "short"
    save(short / "a.wav", phrase(50, 0.1))
    with pytest.raises(TunesmithError, match=r"short: no usable replay clip is left of 1; replay/a.wav: "):
        checked(tmp_path, mine, replay=str(short))
    with pytest.raises(TunesmithError, match="there is no such folder"):
        checked(tmp_path, mine, replay=str(tmp_path / "gone"))
    unknown = listed(mine, line(0, 1, edit_type="vda"), name="unknown.jsonl")
    with pytest.raises(TunesmithError, match=r"unknown.jsonl:1: .*vda"):
        checked(tmp_path, mine, replay=str(unknown))


SONGS = replace(DUET, name="songs", audio_roles=("audio",), text_roles=("caption",))
"""A family that makes music of captions."""


@pytest.fixture
def songs(tmp_path):
    """A run of a family that makes music, its own clips and replay ones in folders."""
    for name, first, count in (("own", 0, 8), ("old", 50, 6)):
        for n in range(count):
            save(tmp_path / name / f"{name[0]}{n}.wav", phrase(first + n, 6.0))
            if name == "old":
                (tmp_path / name / f"{name[0]}{n}.txt").write_text(f"an old song {n}", encoding="utf-8")
    data = {"folder": str(tmp_path / "own"), "default_text": "my style", "replay": str(tmp_path / "old")}
    recipe = Recipe.model_validate({"model": {"path": "duet:tones"}, "data": data, "train": {"epochs": 3}})
    made = RunContext(RunFolder(tmp_path / "run").create(), recipe, Console(quiet=True))
    vars(made)["family"] = SONGS.open("duet:tones")
    return made


def test_music_replays_other_styles_under_their_own_captions(songs):
    summary = stage.check(songs)
    samples = list(read_manifest(songs.folder.manifest))
    assert {s.texts["caption"] for s in samples if not is_replay(s)} == {"my style"}
    assert all(s.texts["caption"].startswith("an old song") for s in samples if is_replay(s))
    assert summary["replay"]["valid"] == 1 and summary["replay"]["kept"] == 6
    assert [prompt.text for prompt in choose_prompts(songs, (), 2, 5.0)] == ["my style"] * 2


def test_the_plan_counts_what_one_pass_trains_on(songs):
    stage.check(songs)
    assert planned_clips(samples_of(songs), songs.recipe.data.replay_share).per_pass == 6 + 2
    plan = make_plan(songs)
    assert plan.updates == 3 and plan.epochs == 3 / math.ceil(8 / plan.clips_per_update), "as training counts it"


def test_stages_depend_on_the_replay_set_and_training_on_its_share(tmp_path):
    mine, replay = voice(tmp_path / "voice", 3), edits(tmp_path / "edits", "vad")

    def inputs(name: str, **data) -> str:
        return repr(stage_inputs(context(tmp_path, mine, **data), name))

    assert "elsewhere" not in inputs("train") and inputs("train", replay=str(replay)) != inputs("train")
    assert inputs("train", replay=str(replay)) != inputs("train", replay=str(replay), replay_share=0.3)
    before = inputs("check", replay=str(replay))
    save(replay.parent / "part_1.wav", phrase(9, 5.0))
    after = inputs("check", replay=str(replay))
    assert before != after and inputs("check", replay=str(tmp_path / "gone")) != after


def test_a_relative_replay_set_belongs_to_the_recipe(tmp_path):
    (tmp_path / "a.yaml").write_text("data:\n  folder: clips\n  replay: edits/list.jsonl\n", encoding="utf-8")
    recipe = load_recipe(tmp_path / "a.yaml")
    assert recipe.data.replay == str(tmp_path / "edits" / "list.jsonl") and recipe.data.replay_share == 0.2
    with pytest.raises(TunesmithError, match="replay_share"):
        load_text("data:\n  replay_share: 1.0\n")
