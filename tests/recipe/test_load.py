from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.recipe.errors import RecipeError
from tunesmith.recipe.load import load, load_recipe, load_text
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message


def write(folder: Path, text: str, name: str = "r.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def complaints(text: str, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_text(text, "r.yaml", overrides)
    # Every sentence is one of the catalogues', with values; none is plain English.
    assert all(isinstance(p.sentence, Message) and p.sentence.id != "{text}" for p in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def test_every_problem_comes_at_once_in_the_order_of_the_file() -> None:
    text = """\
nmae: x
train:
  learning_rat: 5
  updates: 1:30
  batch_size: true
  betas: [1, 2, 3]
adapter: {rank: -3, kind: lore}
learning_rate: 3
lora_rank: 4
data:
  overrule: a
  folder: 5
gates:
  base_loss: of
"""
    assert complaints(text, ("train.log_evry=3", "generate.seconds=0")) == [
        "command line: train.log_evry: unknown key; did you mean `train.log_every`?",
        "command line: generate.seconds: must be at least 0.1, not `0`",
        "r.yaml:1: nmae: unknown key; did you mean `name`?",
        "r.yaml:3: train.learning_rat: unknown key; did you mean `train.learning_rate`?",
        "r.yaml:4: train.updates: must be a whole number, not `1:30`",
        "r.yaml:5: train.batch_size: is not a switch; `true` does not fit here",
        "r.yaml:6: train.betas: must have 2 entries, not 3",
        "r.yaml:7: adapter.kind: must be one of lora, dora, full, not `lore`; did you mean `lora`?",
        "r.yaml:7: adapter.rank: must be greater than 0, not `-3`",
        "r.yaml:8: learning_rate: unknown key; did you mean `train.learning_rate`?",
        "r.yaml:9: lora_rank: unknown key; did you mean `adapter.rank`?",
        "r.yaml:11: data.overrule: must be a list, `[a, b]` or one `- item` per line, not `a`",
        "r.yaml:12: data.folder: must be text (put it in quotes), not `5`",
        "r.yaml:14: gates.base_loss: must be one of stop, warn, off, not `of`; did you mean `off`?",
    ]


def test_several_problems_are_one_message_and_one_problem_is_one_line() -> None:
    with pytest.raises(RecipeError) as one:
        load_text("adapter: {rank: 0}", "r.yaml")
    assert str(one.value) == "r.yaml:1: adapter.rank: must be greater than 0, not `0`"
    with pytest.raises(RecipeError) as two:
        load_text("adapter: {rank: 0, alpha: -1}", "r.yaml")
    assert str(two.value).startswith("the recipe has 2 problems\n  r.yaml:1: adapter.rank")


def test_of_endless_problems_the_first_are_named_and_all_are_counted() -> None:
    with pytest.raises(RecipeError) as many:
        load_text("".join(f"k{number}: 1\n" for number in range(3000)), "r.yaml")
    lines = str(many.value).splitlines()
    assert lines[0] == "the recipe has 3000 problems, of which these are the first"
    assert len(lines) == 51
    assert lines[1].startswith("  r.yaml:1: k0: unknown key")


@pytest.mark.parametrize("sections", ["train: 5", "train: [1]", "options: 3"])
def test_a_section_must_be_a_section(sections: str) -> None:
    assert "must be a section of `key: value` lines" in complaints(sections)[0]


def test_a_rule_across_keys_names_the_line_of_its_key() -> None:
    (only,) = complaints("train:\n  seed: 1\n  use_weights: ema\n")
    assert only.startswith("r.yaml:3: train.use_weights is `ema` but train.ema_decay is 0")


def test_scientific_notation_and_yaml_1_1_words_mean_what_they_say() -> None:
    recipe = load_text("train: {learning_rate: 1e-4, compile: off}\ngates: {layout: off}\n").recipe
    assert recipe.train.learning_rate == 1e-4
    assert recipe.train.compile == "off"
    assert recipe.gates.layout == "off"


def test_a_section_with_every_line_commented_out_changes_nothing() -> None:
    assert load_text("name: a\ntrain:\n  # seed: 1\noptions:\n").recipe == Recipe(name="a")


def test_command_line_wins_over_file_and_file_over_preset(tmp_path: Path) -> None:
    path = write(tmp_path, "preset: careful\ntrain: {valid_every: 7, ema_decay: 0.5}\n")
    recipe = load_recipe(path, ["train.ema_decay=0.25", "data.overrule=[a.wav, 'b, c.wav']"])
    assert recipe.train.learning_rate == 5e-5  # preset
    assert recipe.train.valid_every == 7
    assert recipe.train.ema_decay == 0.25
    assert recipe.data.overrule == ("a.wav", "b, c.wav")


def test_a_key_of_the_recipe_s_top_within_a_section_is_named_as_it_is() -> None:
    assert complaints("data: {preset: careful}") == ["r.yaml:1: data.preset: unknown key; did you mean `preset`?"]
    assert complaints("data: {folders: a}") == ["r.yaml:1: data.folders: unknown key; did you mean `data.folder`?"]
    assert complaints("checks: {rank: 3}") == ["r.yaml:1: checks.rank: unknown key; did you mean `adapter.rank`?"]
    (only,) = complaints("gates: {zzzzzz: 1}")
    assert only.startswith("r.yaml:1: gates.zzzzzz: unknown key; known here: base_loss, layout, ")


def test_an_unknown_preset_is_named_with_the_nearest() -> None:
    assert complaints("preset: carefull") == [
        "r.yaml:1: preset: there is no preset `carefull`. Did you mean `careful`?"
    ]
    assert complaints("presets: careful") == ["r.yaml:1: presets: unknown key; did you mean `preset`?"]
    assert complaints("preset: [a]")[0].startswith("r.yaml:1: preset: must be the name of a preset")


def test_an_error_in_a_key_of_the_preset_names_the_preset() -> None:
    (only,) = complaints("preset: careful", ("train.ema_decay=0",))
    assert only.startswith("preset careful:")


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("foo", "command line: `foo` is not an override"),
        ("=3", "command line: `=3` is not an override"),
        ("a b=3", "command line: `a b=3` is not an override"),
        ("train.learning_rate.x=3", "command line: train.learning_rate: must be a number, not a section"),
        ("data.overrule=[a", "command line: data.overrule: this is not YAML"),
        ("train.seed=", "command line: train.seed: must be a whole number, not empty"),
        ("adapter.rank=1e9", "command line: adapter.rank: must be at most 1024"),
        ("train.learning_rate=.nan", "command line: train.learning_rate: must be a finite number"),
        ('train.learning_rate="inf"', "command line: train.learning_rate: must be a finite number"),
        ("train.seed=!!python/name:os.system", "command line: train.seed: YAML tags"),
    ],
)
def test_bad_overrides_get_a_sentence(override: str, complaint: str) -> None:
    assert complaints("name: a", (override,))[0].startswith(complaint)


def test_relative_folders_belong_to_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes" / "weights").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = write(tmp_path / "recipes", "data: {folder: ../beats}\nmodel: {path: weights}\n")
    recipe = load_recipe(path)
    assert recipe.data.folder == str(tmp_path / "beats")
    assert recipe.model.path == str(tmp_path / "recipes" / "weights")
    assert load_recipe(path, ["data.folder=mine"]).data.folder == str(tmp_path / "elsewhere" / "mine")
    assert load_recipe(path, ["model.path=facebook/musicgen-small"]).model.path == "facebook/musicgen-small"
    assert load_recipe(path, ["model.path=../nowhere"]).model.path == str(tmp_path / "nowhere")


def test_a_recipe_without_a_name_is_called_after_its_file_or_folder(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, "train: {seed: 1}", "trap-1.yaml")).name == "trap-1"
    (tmp_path / "mybeats").mkdir()
    assert load_recipe(write(tmp_path / "mybeats", "train: {seed: 1}", "recipe.yaml")).name == "mybeats"
    assert load_recipe(write(tmp_path, "name: given\n", "trap-1.yaml")).name == "given"


def test_options_are_checked_by_the_family_with_their_lines() -> None:
    assert complaints("model: {path: facebook/musicgen-small}\noptions:\n  guidnce: 3\n  top_k: x\n") == [
        "r.yaml:3: options.guidnce: unknown key; did you mean `options.guidance`?",
        "r.yaml:4: options.top_k: must be a whole number, not `x`",
    ]
    assert load_text("options: {guidance: 4}").recipe.options == {"guidance": 4}


def test_an_unknown_family_is_said_at_its_line() -> None:
    (only,) = complaints("name: a\nmodel:\n  family: musicgem\n")
    assert only == "r.yaml:3: model.family: there is no model family `musicgem`. Did you mean `musicgen`?"


def test_options_of_a_model_that_no_family_knows_are_left_for_later() -> None:
    assert load_text("model: {path: someone/else}\noptions: {x: 1}").recipe.options == {"x": 1}


def test_unreadable_files_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TunesmithError, match="no such file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(TunesmithError):
        load(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: caf\xe9\n".encode("latin-1"))
    with pytest.raises(TunesmithError, match="not UTF-8"):
        load(latin)
    marked = tmp_path / "marked.yaml"
    marked.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert load(marked).recipe.name == "a"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.workers=0", "data.workers: this is neither `auto` nor a whole number from 1 to 1024"),
        ("data.workers=1.5", "data.workers: this is neither"),
        ("data.workers=many", "data.workers: this is neither"),
        ("data.workers=true", "data.workers: this is neither"),
        ("data.workers=1025", "data.workers: this is neither"),
        ("train.snapshots=../../x", "it leads out of the run folder"),
        ("train.snapshots=a/../../x", "it leads out of the run folder"),
        ("train.snapshots='..\\x'", "it leads out of the run folder"),
        ("generate.seconds=1e9", "must be at most 3600"),
        ("evaluate.seconds=3601", "must be at most 3600"),
        ("previews.seconds=1e6", "must be at most 3600"),
        ("generate.count=100000", "must be at most 1000"),
        ("evaluate.count=100000", "must be at most 1000"),
        ("train.batch_size=1000000", "must be at most 4096"),
        ("train.betas=[0.9, 1.5]", "must be less than 1"),
        ("train.seed=99999999999999999999999999", "must be at most"),
    ],
)
def test_values_that_make_no_sense_are_refused(override, said):
    found = complaints("name: x\n", (override,))
    assert len(found) == 1
    assert said in found[0]


def test_a_folder_inside_of_the_run_may_keep_snapshots():
    assert load_text("name: x\n", "r.yaml", ("train.snapshots=saves/of..today",)).recipe.train.snapshots
