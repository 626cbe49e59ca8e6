"""The check stage over speech: from a folder or a list to pairs in the manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tests.families.duet import DUET, build
from tunesmith.data.augmented import Augmented
from tunesmith.data.prepare import prepare
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Checks, Family, FamilySettings, FamilyType
from tunesmith.families.step_audio import text_checks
from tunesmith.families.step_audio.complete import complete
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.recipe.load import load_recipe
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages import check as stage
from tunesmith.stages import new
from tunesmith.stages.inputs import stage_inputs
from tunesmith.training.gates import leakage
from tunesmith.training.schedule import listed_epoch

TOKENS = [65_536, 65_537, 66_560, 66_561, 66_562]


class SpeakerChecks(Checks):
    """Samples are completed as those of Step-Audio are."""

    trained = frozenset({"llm", "flow"})

    def validate_samples(self, samples) -> None:
        text_checks.validate_samples(samples)

    def add_prompts(self, samples, seed, warned=()) -> Augmented:
        return complete(samples, seed, networks=self.trained, ids=TokenIds(), find=lambda: None, warned=warned)


def build_speaker(kind: FamilyType, path: str, settings: FamilySettings, revision: str | None) -> Family:
    return replace(build(kind, path, settings, revision), checks=SpeakerChecks())


SPEAKER = replace(
    DUET, name="speaker", build=build_speaker, audio_roles=("prompt", "audio"), text_roles=("caption", "prompt_text")
)


def context(root: Path, folder: Path, networks: str = "llm flow", **data) -> RunContext:
    recipe = Recipe.model_validate(
        {"model": {"path": "duet:speaker"}, "checks": text_checks.CHECKS, "data": {"folder": str(folder), **data}}
    )
    made = RunContext(RunFolder(root / "run").create(), recipe, Console(quiet=True))
    family = vars(made)["family"] = SPEAKER.open("duet:speaker")
    family.checks.trained = frozenset(networks.split())
    return made


def checked(root: Path, folder: Path, networks: str = "llm flow", **data) -> tuple[dict, list[Sample], dict]:
    """The stage's summary, the manifest, and findings by clip."""
    made = context(root, folder, networks, **data)
    summary = stage.check(made)
    told = json.loads(made.folder.findings.read_text())["findings"]
    found: dict[str, list[str]] = {}
    for finding in told:
        found.setdefault(finding["clip"], []).append(f"{finding['level']}: {finding['message']['text']}")
    return summary, list(read_manifest(made.folder.manifest)), found


def voice(folder: Path, count: int, seconds: float = 4.0) -> Path:
    for n in range(count):
        save(folder / f"part_{n}.wav", phrase(n, seconds))
        (folder / f"part_{n}.txt").write_text(f"These are the words of recording {n}.", encoding="utf-8")
    return folder


def listed(folder: Path, *lines: dict, name: str = "train.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def line(prompt: int, target: int, **more) -> dict:
    paths = {"prompt_audio_path": f"part_{prompt}.wav", "target_audio_path": f"part_{target}.wav"}
    return {**paths, "prompt_text": f"The words of {prompt}.", "target_text": f"The words of {target}.", **more}


def test_a_folder_of_one_voice_becomes_pairs_and_nothing_is_found_wrong(tmp_path):
    summary, samples, found = checked(tmp_path, voice(tmp_path / "voice", 12))
    assert found == {} and (summary["kept"], summary["valid"]) == (12, 2)
    assert summary["seconds"] == 48.0, "prompts are not counted"
    training = {sample.target.path for sample in samples if sample.split == "train"}
    for sample in samples:
        assert sample.audios["prompt"].path in training - {sample.target.path}
        number = Path(sample.audios["prompt"].path).stem.removeprefix("part_")
        assert sample.texts["prompt_text"] == f"These are the words of recording {number}."
    assert leakage(samples).status == "pass", "held-out clips are prompted by training clips on purpose"


def test_three_clips_are_enough_and_none_is_cut(tmp_path):
    summary, samples, _ = checked(tmp_path, voice(tmp_path / "voice", 3, seconds=29.0))
    assert (summary["kept"], summary["valid"], summary["split_kind"]) == (3, 0, "none")
    assert any("too few to spare one" in note["text"] for note in summary["notes"])
    assert all(sample.audios["audio"].end is None and "prompt" in sample.audios for sample in samples)


def test_a_list_keeps_its_split_and_every_bad_line_is_named(tmp_path):
    folder = voice(tmp_path / "voice", 6)
    save(folder / "part_6.wav", phrase(6, 31.0))
    listed(
        folder,
        line(0, 1),
        line(6, 2),
        line(0, 3, target_audio_path="gone.wav"),
        line(0, 4, edit_type="emotion"),
        {**line(0, 5), "prompt_text": None},
    )
    with (folder / "train.jsonl").open("a") as file:
        file.write("{broken\n")
    listed(folder, line(1, 0), name="val.jsonl")
    summary, samples, found = checked(tmp_path, folder)
    assert [(sample.id, sample.split) for sample in samples] == [
        ("part_1.wav", "train"),
        ("part_4.wav", "train"),
        ("part_5.wav", "train"),
        ("part_0.wav", "valid"),
    ]
    assert set(summary["quarantined"]) == {"part_2.wav", "train.jsonl:3", "train.jsonl:6"}
    assert "`prompt` audio lasts 31 s, over 30 s" in summary["quarantined"]["part_2.wav"]["text"]
    assert "1 lines of edit_type emotion have no edit_info" in found["*"][0]
    assert found["part_5.wav"][0].startswith("warn: it has no prompt_text")
    assert f"{folder / 'train.jsonl'}:5" in found["part_5.wav"][0]


def test_what_the_family_cannot_use_is_quarantined(tmp_path):
    folder = voice(tmp_path / "voice", 4)
    path = listed(folder, line(0, 1), line(0, 2, prompt_text=""), line(0, 3))
    summary, samples, _ = checked(tmp_path, path, "llm")
    assert list(summary["quarantined"]) == ["part_2.wav"] and summary["kept"] == len(samples) == 2
    bare = listed(folder, line(0, 1, prompt_text=""), name="bare.jsonl")
    with pytest.raises(TunesmithError, match=r"no usable clip is left of 1; part_1.wav: it has no prompt_text"):
        checked(tmp_path, bare, "llm")
    assert checked(tmp_path, bare, "flow")[0]["kept"] == 1


def test_an_unknown_edit_stops_before_anything_is_measured(tmp_path, monkeypatch):
    folder = voice(tmp_path / "voice", 3)
    listed(folder, line(0, 1), line(0, 2, edit_type="emotoin"))
    monkeypatch.setattr("tunesmith.stages.survey.run_checks", None)
    with pytest.raises(TunesmithError, match=r"train.jsonl:2: .*emotoin.*paralinguistic"):
        checked(tmp_path, folder)


def test_lines_of_audio_tokens_alone_go_through_every_room(tmp_path):
    tokens = {"source_text": "a b", "target_text": "c d", "source_vq02vq06": TOKENS, "edit_type": "clone"}
    path = listed(tmp_path, *({**tokens, "target_vq02vq06": TOKENS * n} for n in range(1, 9)))
    summary, samples, found = checked(tmp_path, path, "llm")
    assert (summary["kept"], summary["valid"], found) == (8, 2, {})
    assert samples[0].attributes["prompt_tokens"] == [0, 1, 1024, 1025, 1026] and not samples[0].audios
    assert summary["seconds"] == pytest.approx(36 * 0.12, abs=0.05)
    assert leakage(samples).status == "pass" and listed_epoch(samples, 2) == 4
    with pytest.raises(TunesmithError, match="no usable clip is left"):
        checked(tmp_path, path, "flow")


def test_one_text_for_all_clips_is_refused(tmp_path):
    with pytest.raises(TunesmithError, match=r"data.default_text: one text for all clips"):
        checked(tmp_path, voice(tmp_path / "voice", 3), default_text="a voice")


def test_the_stage_depends_on_the_list_and_on_the_audio_it_names(tmp_path):
    folder = voice(tmp_path / "voice", 3)
    (tmp_path / "lists").mkdir()
    rows = [line(0, 1, prompt_audio_path=str(folder / "part_0.wav"), target_audio_path=str(folder / "part_1.wav"))]
    path, valid = listed(tmp_path / "lists", *rows), listed(tmp_path / "lists", *rows, name="other.jsonl")

    def inputs() -> str:
        return repr(stage_inputs(context(tmp_path, path, valid_file=str(valid)), "check"))

    seen = [inputs()]
    save(folder / "part_1.wav", phrase(9, 5.0))
    seen.append(inputs())
    listed(tmp_path / "lists", *rows, line(0, 1))
    seen.append(inputs())
    listed(tmp_path / "lists", *rows, line(0, 1), name="other.jsonl")
    seen.append(inputs())
    assert len(set(seen)) == 4 and inputs() == seen[-1]
    path.write_text("{")
    assert inputs() != seen[-1], "a list that cannot be read is told by the check, not here"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speaker as the family of every checkpoint."""
    monkeypatch.setattr("tunesmith.families.registry.family_type", lambda name: SPEAKER)
    monkeypatch.setattr("tunesmith.families.registry.recognise", lambda path: "speaker")


def test_a_run_begins_from_a_list(tmp_path, installed, monkeypatch):
    folder = voice(tmp_path / "voice", 6)
    path = listed(folder, *(line(0, n) for n in range(1, 6)))
    run = new.new_run("a", path, "duet:speaker", root=tmp_path / "runs")
    recipe = load_recipe(run.recipe)
    assert recipe.data.folder == str(path) and recipe.data.layout == "pairs" and recipe.data.max_seconds == 4.0
    text = run.recipe.read_text(encoding="utf-8")
    assert "# → 5 clips from 5 sources, 4.0 s to 4.0 s" in text, "prompts are no clips"
    tokens = {"source_vq02vq06": TOKENS, "source_text": "c", "target_vq02vq06": TOKENS * 50, "target_text": "a"}
    path = listed(tmp_path, tokens, tokens | {"target_text": "b"})
    with pytest.raises(TunesmithError, match=r"the flow learns from .*train the LLM alone \(options.train=llm\)"):
        new.new_run("b", path, "duet:speaker", root=tmp_path / "runs")
    monkeypatch.setattr(SpeakerChecks, "trained", frozenset({"llm"}))
    run = new.new_run("b", path, "duet:speaker", root=tmp_path / "runs")
    assert "# → 2 clips from 2 sources, 6.0 s to 6.0 s" in run.recipe.read_text(encoding="utf-8")


def test_speech_pairs_are_nothing_for_a_model_of_music(tmp_path):
    path = listed(voice(tmp_path / "voice", 3), line(0, 1))
    with pytest.raises(TunesmithError, match=r"these are speech pairs.*Step-Audio-EditX"):
        new.new_run("a", path, "pocket", root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    music = context(tmp_path, path)
    vars(music)["family"] = DUET.open("duet:tones")
    with pytest.raises(TunesmithError, match="these are speech pairs"):
        stage.check(music)
    with pytest.raises(TunesmithError, match="these are speech pairs"):
        prepare(path.parent, tmp_path / "out")


def test_nothing_is_made_up_for_clips_of_speech_without_a_transcript(tmp_path, installed):
    folder = voice(tmp_path / "voice", 3)
    (folder / "part_1.txt").unlink()
    run = new.new_run("a", folder, "duet:speaker", root=tmp_path / "runs")
    assert load_recipe(run.recipe).data.default_text is None
    with pytest.raises(TunesmithError, match="--text: one text for all clips cannot be what is said"):
        new.new_run("b", folder, "duet:speaker", overrides=["data.default_text=words"], root=tmp_path / "runs")
