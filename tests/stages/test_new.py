from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tunesmith.data.checks.facts import FactStore, fact_key
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError
from tunesmith.recipe.load import load_recipe
from tunesmith.recipe.models import DataRecipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages import survey
from tunesmith.stages.look import Wanted, look
from tunesmith.stages.new import new_run


def beats(folder: Path, seconds: list[float]) -> Path:
    (folder / "train").mkdir(parents=True)
    rows = []
    for number, length in enumerate(seconds):
        sound = 0.2 * np.random.default_rng(number).standard_normal(int(8000 * length))
        soundfile.write(folder / "train" / f"b{number:02d}.wav", sound, 8000)
        rows.append({"audio": f"train/b{number:02d}.wav", "text": f"beat {number % 3}"})
    (folder / "metadata.json").write_text(json.dumps(rows))
    return folder


def test_a_look_counts_lengths_captions_and_what_cannot_be_read(tmp_path: Path) -> None:
    folder = beats(tmp_path / "d", [1.0, 2.0, 6.0])
    rows = json.loads((folder / "metadata.json").read_text())
    (folder / "train" / "bad.wav").write_text("not audio")
    rows += [{"audio": "train/bad.wav", "text": "x"}, {"audio": "train/gone.wav", "text": "x"}]
    (folder / "metadata.json").write_text(json.dumps(rows))
    seen = look(Wanted("a", "pocket", None, None), folder, RunFolder(tmp_path / "measured"), Console(quiet=True))
    assert seen.layout == "metadata"
    assert seen.seconds == (1.0, 2.0, 6.0)
    assert set(seen.found.quarantined) == {"train/bad.wav", "train/gone.wav"}
    assert ("beat 0", 1) in seen.captions
    assert (seen.found.train, seen.found.valid) == (3, 0), "too short and too few to hold anything out"


def test_values_suit_the_data_and_each_says_why(tmp_path: Path) -> None:
    run = new_run("few", beats(tmp_path / "d", [4.0, 5.0, 12.5, 6.0, 7.0]), "pocket", root=tmp_path / "runs")
    recipe = load_recipe(run.recipe)
    assert recipe.name == "few"
    assert recipe.data.folder == str(tmp_path / "d")
    assert recipe.data.layout == "metadata"
    assert recipe.data.max_seconds == 13.0
    assert recipe.adapter.rank == 8, "few clips start from the few-clips preset"
    assert recipe.train.batch_size * recipe.train.accumulation == 4, "all five are trained on"
    text = run.recipe.read_text(encoding="utf-8")
    for seen in (
        "# → 5 clips from 5 sources, 4.0 s to 12.5 s",
        "# → the longest clip has 12.5 s",
        "(preset few-clips)",
    ):
        assert seen in text
    plan = json.loads(run.plan.read_text())
    assert (plan["clips"], plan["train_clips"], plan["held_out"]) == (5, 5, 0)
    kept = FactStore(run.facts)
    for path in (tmp_path / "d" / "train").glob("*.wav"):
        key = fact_key(AudioRef(str(path)))
        assert kept.get(key, signals=True, fingerprint=True), "so that check measures nothing again"
    assert plan["devices"][0]["memory_bytes"] > 0
    assert json.loads((run.path / "recipe.schema.json").read_text())["properties"]["options"]


def test_the_users_preset_and_model_win(tmp_path: Path) -> None:
    folder = beats(tmp_path / "d", [1.0] * 22)
    run = new_run("b", folder, "facebook/musicgen-medium", preset="small-6gb", root=tmp_path / "runs")
    recipe = load_recipe(run.recipe)
    assert recipe.model.path == "facebook/musicgen-medium"
    assert (recipe.train.batch_size, recipe.train.accumulation) == (2, 4)
    assert recipe.adapter.rank == 16
    assert recipe.data.max_seconds == 15.0


def test_keys_given_with_the_name_are_the_recipes(tmp_path: Path) -> None:
    folder = beats(tmp_path / "d", [1.0, 1.0, 1.0])
    asked = ["data.max_seconds=7", "train.batch_size=3", "generate.prompts=[a, b]"]
    run = new_run("a", folder, "pocket", overrides=asked, root=tmp_path / "runs")
    recipe = load_recipe(run.recipe)
    assert (recipe.data.max_seconds, recipe.train.batch_size, recipe.generate.prompts) == (7.0, 3, ("a", "b"))
    assert "the longest clip has" not in run.recipe.read_text(encoding="utf-8"), "the reason of another value"
    with pytest.raises(TunesmithError, match=r"data\.folder: --from says this already"):
        new_run("b", folder, "pocket", overrides=["data.folder=elsewhere"], root=tmp_path / "runs")
    with pytest.raises(TunesmithError, match=r"train\.batchsize.*batch_size"):
        new_run("b", folder, "pocket", overrides=["train.batchsize=3"], root=tmp_path / "runs")


def test_clips_without_captions_get_one_that_is_called_a_guess(tmp_path: Path) -> None:
    folder = tmp_path / "night_drive beats"
    folder.mkdir()
    for number in range(3):
        soundfile.write(folder / f"{number}.wav", np.full(8000, 0.1), 8000)
    run = new_run("a", folder, "pocket", root=tmp_path / "runs")
    assert load_recipe(run.recipe).data.default_text == "night drive beats"
    assert "guessed from the folder's name" in run.recipe.read_text(encoding="utf-8")
    run = new_run("b", folder, "pocket", overrides=["data.default_text=calm pads"], root=tmp_path / "runs")
    assert load_recipe(run.recipe).data.default_text == "calm pads"


def test_nothing_is_written_when_nothing_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.wav").write_text("words")
    with pytest.raises(TunesmithError, match=r"no usable clip is left of 1; a\.wav"):
        new_run("a", folder, "pocket", root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_run_that_exists_is_replaced_only_by_force(tmp_path: Path) -> None:
    folder = beats(tmp_path / "d", [1.0, 1.0, 1.0])
    run = new_run("a", folder, "pocket", root=tmp_path / "runs")
    mine = run.recipe.read_text(encoding="utf-8").replace("seed: 42", "seed: 7")
    run.recipe.write_text(mine, encoding="utf-8")
    with pytest.raises(TunesmithError, match="already"):
        new_run("a", folder, "pocket", root=tmp_path / "runs")
    assert load_recipe(run.recipe).train.seed == 7
    new_run("a", folder, "pocket", force=True, root=tmp_path / "runs")
    assert load_recipe(run.recipe).train.seed == 42


def test_a_family_brings_its_own_starting_values_below_those_of_the_data(tmp_path: Path) -> None:
    folder = beats(tmp_path / "d", [4.0, 5.0, 12.5, 6.0, 7.0])
    run = new_run("song", folder, "ACE-Step/ACE-Step-v1-3.5B", root=tmp_path / "runs")
    recipe = load_recipe(run.recipe)
    assert recipe.train.betas == (0.8, 0.9) and recipe.train.max_grad_norm == 0.5
    assert recipe.data.max_seconds == 13.0
    assert recipe.adapter.rank == 8, "the data's own preset comes after the family's"
    assert recipe.train.gradient_checkpointing is False
    assert recipe.options["omega"] == 10.0


def test_blocks_are_recomputed_where_a_step_would_not_fit_a_common_gpu(tmp_path: Path) -> None:
    folder = beats(tmp_path / "d", [100.0, 5.0, 12.5, 6.0, 7.0])
    run = new_run("song", folder, "ACE-Step/ACE-Step-v1-3.5B", root=tmp_path / "runs")
    text = run.recipe.read_text(encoding="utf-8")
    assert load_recipe(run.recipe).train.gradient_checkpointing is True
    assert "without it a step takes more than" in text
    plan = json.loads(run.plan.read_text())
    gpu = next(device for device in plan["devices"] if device["device"] == "GPU")
    assert gpu["memory_bytes"] < 12e9


def test_clips_are_examined_once_and_split_as_the_recipe_that_is_chosen_wants_it(tmp_path: Path, monkeypatch) -> None:
    shares, examine, divide = [], survey.examine, survey.split
    monkeypatch.setattr(survey, "examine", lambda *clips: shares.append("examined") or examine(*clips))
    monkeypatch.setattr(
        survey, "split", lambda *clips, **how: shares.append(how["valid_share"]) or divide(*clips, **how)
    )
    run = new_run("few", beats(tmp_path / "d", [3.0] * 15), "pocket", root=tmp_path / "runs")
    recipe = load_recipe(run.recipe)
    assert shares == ["examined", DataRecipe().valid_share, recipe.data.valid_share] and shares[1] != shares[2]
    found = survey.survey(RunContext(run, recipe, Console(quiet=True))).split.samples
    held_out = sum(sample.split == "valid" for sample in found)
    assert f"held out: {held_out} of {len(found)} clips" in run.recipe.read_text(encoding="utf-8")


def test_a_stopped_command_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.data.checks import measure

    real, measured = measure.measure_clip, []

    def stopped(job):
        if len(measured) == 3:
            raise KeyboardInterrupt
        measured.append(job.ref.path)
        return real(job)

    folder = beats(tmp_path / "d", [1.2] * 5)
    monkeypatch.setattr(measure, "measure_clip", stopped)
    with pytest.raises(KeyboardInterrupt):
        new_run("late", folder, root=tmp_path / "runs")
    assert not (tmp_path / "runs" / "late").exists()
    again = []
    monkeypatch.setattr(measure, "measure_clip", lambda job: again.append(job.ref.path) or real(job))
    new_run("late", folder, root=tmp_path / "runs")
    assert len(again) == 2 and not set(again) & set(measured)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["late"], "nothing else is left"


def test_a_command_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "broken.wav").write_bytes(b"no sound")
    with pytest.raises(TunesmithError):
        new_run("none", tmp_path / "d", root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
