"""``new``, ``check``, ``plan`` and ``train`` count the same clips, updates, passes and learning rates."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tunesmith.cli.main import main
from tunesmith.pocket.shipped import example_clips
from tunesmith.records.findings import CheckFindings
from tunesmith.records.plan import RunPlan
from tunesmith.run.folder import RunFolder
from tunesmith.stages.open import open_run
from tunesmith.stages.planned import make_plan, samples_of

COUNTS = re.compile(r"\d+ clips usable .*")
PLAN = re.compile(
    r"plan: (\d+) updates of (\d+) clips \(([\d.]+) passes over the clips\), peak learning rate (.+), (\d+) updates"
)
TRAINING = re.compile(
    r"(\d+) updates of (\d+) clips \(([\d.]+) passes over the clips\), .* peak learning rate (.+), warm-up (\d+)"
)


def tones(folder: Path, seconds: list[float]) -> Path:
    folder.mkdir()
    for number, length in enumerate(seconds):
        rng = np.random.default_rng(number)
        soundfile.write(folder / f"t{number:02d}.wav", 0.2 * rng.standard_normal(int(8000 * length)), 8000)
        (folder / f"t{number:02d}.txt").write_text(f"tone {number}")
    return folder


def few(folder: Path) -> Path:
    """Too few and too short to hold anything out; ``new`` once said that two were."""
    return tones(folder, [2.0, 3.0, 4.0])


def many(folder: Path) -> Path:
    """Some that cannot be used: silence, no sound file, and one that is there twice."""
    tones(folder, [2.0 + n / 10 for n in range(12)])
    soundfile.write(folder / "quiet.wav", np.zeros(16_000), 8000)
    (folder / "bad.wav").write_text("not audio")
    (folder / "t00 copy.wav").write_bytes((folder / "t00.wav").read_bytes())
    for name in ("quiet", "bad", "t00 copy"):
        (folder / f"{name}.txt").write_text("a tone")
    return folder


def long(folder: Path) -> Path:
    """Tracks whose ends are held out, and one that is too long to be used."""
    tones(folder, [30.0, 40.0])
    info = folder / "long.wav"
    with soundfile.SoundFile(info, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(61):
            file.write(np.zeros(8000 * 60))
    (folder / "long.txt").write_text("a mix")
    return folder


def said(pattern: re.Pattern[str], text: str) -> str:
    """The only line of a kind."""
    (found,) = {match.group(0) for match in pattern.finditer(text)}
    return found


@pytest.mark.parametrize("make", [few, many, long])
def test_new_check_and_plan_count_alike(make, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "a", "--from", str(make(tmp_path / "clips")), "--model", "pocket"]) == 0
    new = capsys.readouterr().out
    planned = RunPlan.read(RunFolder(Path("runs/a")).plan)
    main(["check", "a"])
    check = capsys.readouterr().out
    assert main(["plan", "a"]) == 0
    plan = capsys.readouterr().out
    assert said(COUNTS, new) == said(COUNTS, check)
    found = CheckFindings.read(RunFolder(Path("runs/a")).findings)
    assert (planned.train_clips, planned.held_out, planned.clips) == (found.train, found.valid, found.kept)
    assert said(PLAN, new) == said(PLAN, plan)
    assert RunPlan.read(RunFolder(Path("runs/a")).plan).to_json() == planned.to_json()


def test_too_few_clips_are_not_promised_to_be_held_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "a", "--from", str(few(tmp_path / "clips")), "--model", "pocket"]) == 0
    assert "3 clips usable (0.1 min): 3 train, 0 held out; 0 quarantined" in capsys.readouterr().out


def test_a_clip_that_check_will_quarantine_is_not_planned_with(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "a", "--from", str(long(tmp_path / "clips")), "--model", "pocket"]) == 0
    out = capsys.readouterr().out
    assert "4 clips usable (1.1 min): 2 train, 2 held out; 1 quarantined" in out
    assert "warning: 1 cannot be used: long.wav: " in out


@pytest.mark.parametrize(
    ("model", "options", "rate"),
    [
        ("pocket", (), "0.0001"),
        ("pocket/step_audio", ("options.train=flow", "train.stages.flow.updates=2"), "1e-05"),
        ("pocket/step_audio", ("train.updates=6",), "0.0001 (llm), 1e-05 (flow)"),
    ],
)
def test_training_does_what_the_plan_says(model, options, rate, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    clips = tmp_path / "clips"
    clips.symlink_to(example_clips("musicgen" if model == "pocket" else "step_audio"))
    assert main(["new", "a", "--from", str(clips), "--model", model]) == 0
    capsys.readouterr()
    short = ("train.updates=2", "train.valid_every=50", "previews.every=0", "evaluate.forgetting_prompts=0", *options)
    assert main(["plan", "a", *short]) == 0
    updates, clips_each, passes, peak, warmup = PLAN.search(capsys.readouterr().out).groups()
    assert main(["train", "a", *short]) == 0
    out = capsys.readouterr().out
    assert TRAINING.search(out).groups() == (updates, clips_each, passes, peak, warmup)
    assert peak == rate
    if "train.updates=6" in options:
        assert (updates, "share 6 updates" in out) == ("6", True), "once it ran all 275 updates without a word"


def test_two_processes_are_planned_as_they_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "a", "--from", str(few(tmp_path / "clips")), "--model", "pocket"]) == 0
    context = open_run("a", ("train.batch_size=1", "train.accumulation=1"), command="")
    main(["check", "a"])
    assert make_plan(context).clips_per_update == 1
    assert make_plan(context, processes=2).clips_per_update == 2
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert make_plan(context, samples_of(context)).clips_per_update == 2, "as torchrun and accelerate say it"
