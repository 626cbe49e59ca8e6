"""What is good, made once through the command line: clips, songs, speech, and finished runs of every family."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bad_input_cases.execute import ENVIRONMENT

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "scripts"
RATE = 32_000
SECONDS = 4
QUICK = (
    "previews.every=0",
    "train.save_every=1",
    "train.valid_every=1",
    "train.batch_size=2",
    "generate.seconds=1",
    "generate.count=1",
    "evaluate.seconds=1",
    "evaluate.count=1",
    "evaluate.forgetting_prompts=0",
    "gates.base_loss=warn",
    "gates.layout=warn",
)
OVERRIDES = {
    "musicgen": ("train.updates=2",),
    "ace_step": ("train.updates=2", "options.steps=2", "data.max_seconds=2", "data.min_crop_seconds=2"),
    "step_audio": (
        "train.stages.llm.updates=1",
        "train.stages.flow.updates=1",
        "train.stages.joint.updates=1",
        "options.flow_steps=2",
    ),
}
"""What makes a family's run short."""
MORE = {"musicgen": "train.updates=3", "ace_step": "train.updates=3", "step_audio": "train.stages.joint.updates=2"}
"""An override that asks for more training than the finished runs had."""
PRESETS = {"musicgen": "pocket-demo", "ace_step": "pocket-demo-ace-step", "step_audio": "pocket-demo-step-audio"}
FAMILIES = tuple(OVERRIDES)
CUT = ("slice", "--seconds", "1-2")
"""A command that cuts clips of so few seconds."""
LORA = {"r": 4, "lora_alpha": 8, "target_modules": ["to_q", "to_k", "to_v", "to_out.0"]}


@dataclass(frozen=True)
class Finished:
    """Folders of good things; cases copy them."""

    root: Path

    @property
    def clips(self) -> Path:
        """``c0.wav`` …, each with its caption beside it."""
        return self.root / "clips"

    @property
    def speech(self) -> Path:
        """``train.jsonl``, ``val.jsonl`` and ``audio/``."""
        return self.root / "speech"

    @property
    def fixed(self) -> Path:
        """The clips' repaired copy."""
        return self.root / "fixed"

    @property
    def sliced(self) -> Path:
        """The clips, cut."""
        return self.root / "sliced"

    def votes(self, family: str) -> Path:
        """A file of votes on the listening test of the family's run, made from what the run hides of it."""
        return self.root / "runs" / family / "votes.json"

    @property
    def swift(self) -> Path:
        """The pocket ACE-Step with a quicker last step to sound."""
        return self.root / "ace_step_swift"

    @property
    def lora_config(self) -> Path:
        """A small LoRA config of ACE-Step's trainer."""
        return self.root / "lora.json"

    def run(self, family: str) -> Path:
        """A finished run."""
        return self.root / "runs" / family

    def data(self, family: str) -> Path:
        """What the family's run was made from."""
        return self.speech / "train.jsonl" if family == "step_audio" else self.clips

    def model(self, family: str) -> str:
        """The family's base model."""
        return {"musicgen": "pocket", "ace_step": str(self.swift), "step_audio": "pocket/step_audio"}[family]

    def doorway(self, family: str) -> Path:
        """The working directory of the family's doorways, in which they trained."""
        return self.root / "doorways" / family


def finish(root: Path, families: tuple[str, ...] = FAMILIES, *, doorways: bool = True) -> Finished:
    """Make what ``root`` lacks; minutes at the first time, nothing later."""
    made = Finished(root)
    root.mkdir(parents=True, exist_ok=True)
    _once(made.clips, _clips)
    _once(made.speech, lambda folder: shutil.copytree(SCRIPTS / "step_audio_editx" / "data", folder))
    made.lora_config.write_text(json.dumps(LORA))
    for family in families:
        if family == "ace_step":
            _once(made.swift, _swift)
        _once(made.run(family), lambda folder, family=family: _run(made, family, folder))
        _once(made.votes(family), lambda _, family=family: hear(made, family))
        if doorways:
            _once(made.doorway(family), lambda folder, family=family: _DOORWAYS[family](made, folder))
    if families:
        _once(made.fixed, lambda folder: _type(root, "-m", "tunesmith", "check", str(made.clips), "--fix", str(folder)))
        _once(made.sliced, lambda folder: _type(root, "-m", "tunesmith", *CUT, str(made.clips), str(folder)))
    return made


def _once(folder: Path, make: Callable[[Path], object]) -> None:
    """Make a folder in its place, since runs keep paths; one that was not finished is made anew."""
    done = folder.with_name(f"{folder.name}.done")
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True) if folder.is_dir() else folder.unlink(missing_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        make(folder)
        done.touch()


def _clips(folder: Path) -> None:
    import soundfile

    folder.mkdir()
    shipped = sorted((REPOSITORY / "src" / "tunesmith" / "pocket" / "clips" / "808" / "train").glob("*.ogg"))
    for index, source in enumerate(shipped[::2][:7]):
        audio, rate = soundfile.read(source, stop=SECONDS * RATE, always_2d=True)
        soundfile.write(folder / f"c{index}.wav", audio[: SECONDS * rate, 0], rate)
        (folder / f"c{index}.txt").write_text(f"808 trap beat number {index}", encoding="utf-8")


def _swift(folder: Path) -> None:
    from tunesmith.pocket.shipped import pocket_path

    shutil.copytree(pocket_path("ace_step"), folder)
    path = folder / "music_vocoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "iterations": 1}))


def _run(made: Finished, family: str, folder: Path) -> None:
    folder.mkdir()
    source = ("--from", str(made.data(family)), "--model", made.model(family), "--preset", PRESETS[family])
    _type(folder, "-m", "tunesmith", "new", "r", *source)
    recipe = folder / "runs" / "r" / "recipe.yaml"
    _type(folder, "-m", "tunesmith", "run", "r", *QUICK, *OVERRIDES[family])
    shutil.copyfile(folder / "runs" / "r" / "recipe.resolved.yaml", recipe)  # so that no later command needs overrides


def hear(made: Finished, family: str) -> None:
    """A listening test of a run, one person's votes on it and what they say, and the run compared with itself moved."""
    folder = made.run(family)
    _type(folder, "-m", "tunesmith", "listen", "r")
    made.votes(family).write_text(json.dumps(votes_on(folder / "runs" / "r")))
    _type(folder, "-m", "tunesmith", "listen", "r", "--votes", str(made.votes(family)))
    shutil.copytree(folder / "runs" / "r", folder / "runs" / "other", dirs_exist_ok=True)
    _type(folder, "-m", "tunesmith", "compare", "r", "other")


def votes_on(run: Path, listener: str = "a-person") -> dict[str, Any]:
    """One person's votes on every pair of a run's listening test, as its page saves them."""
    from tunesmith.records.listening_key import ListeningKey
    from tunesmith.records.listening_votes import ListeningVotes, Vote

    key = ListeningKey.read(run / "listening_key.json")
    votes = tuple(
        Vote(trial=number, a=trial.a, b=trial.b, choice=1, heard_a_ms=9000, heard_b_ms=9000, took_ms=20_000)
        for number, trial in enumerate(key.trials)
    )
    made = ListeningVotes(page=key.page, listener=listener, saved="2026-01-01T10:00:00Z", votes=votes, digest="")
    return made.model_copy(update={"digest": made.computed_digest()}).model_dump(mode="json")


def _musicgen(made: Finished, folder: Path) -> None:
    shutil.copytree(SCRIPTS / "musicgen", folder)
    (folder / "config.yaml").write_text("model_path: pocket\nbase_model_path: pocket\n")
    _type(folder, "prepare_data.py", "--create_example", "--num_samples", "6")
    _type(folder, "train_lora.py", "--num_epochs", "1", "--max_duration", "4", "--target_duration", "1")
    _type(folder, "inference_lora.py", "--prompts", "808 beat", "--duration", "1")


def _ace_step(made: Finished, folder: Path) -> None:
    shutil.copytree(SCRIPTS / "ace_step", folder)
    settings = {
        "model": str(made.swift),
        "max_steps": 1,
        "every_plot_step": 0,
        "lora_config_path": str(made.lora_config),
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    for clip in made.clips.glob("*.wav"):
        shutil.copyfile(clip, folder / "data" / clip.name)
        shutil.copyfile(clip.with_suffix(".txt"), folder / "data" / f"{clip.stem}_prompt.txt")
    _type(folder, "convert2hf_dataset.py", "--data_dir", "data", "--output_name", "zh_lora_dataset")
    _type(folder, "trainer.py")


def _step_audio(_: Finished, folder: Path) -> None:
    shutil.copytree(SCRIPTS / "step_audio_editx", folder)
    settings = {
        "model": {"llm": {"model_path": "pocket"}},
        "data": {"train_path": "./data/train.jsonl", "val_path": "./data/val.jsonl"},
        "stage": {"stage1_epochs": 1, "stage2_epochs": 1, "stage3_epochs": 1},
        "save": {"merged": False},
    }
    config = folder / "train" / "configs" / "finetune_llm_flow.yaml"
    config.write_text(yaml.safe_dump(settings))
    _type(folder, "finetune_demo.py")


_DOORWAYS = {"musicgen": _musicgen, "ace_step": _ace_step, "step_audio": _step_audio}


def _type(folder: Path, *words: str) -> None:
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: what the cases begin with could not be made\n{done.stdout}{done.stderr}")
