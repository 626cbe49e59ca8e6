"""The commands of the MusicGen LoRA guides, typed as they stand there, from a copy of ``scripts/musicgen``.

Only the path of the model and the folder of the user's audio are put in. Each command runs once, in its own process, in
the guides' order; the tests then look at what it said and left behind. A taught model of 0.2 M parameters stands in for
musicgen-small; with ``-m slow`` the same commands run on the pocket model.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import soundfile

REPOSITORY = Path(__file__).parents[2]
MODEL = "/root/autodl-tmp/musicgen/local/musicgen-small"
AUDIO = "/path/to/your/audio/files"

INSTALL = "pip install -r requirements.txt"
VERIFY = 'python -c "import torch; print(torch.cuda.is_available())"'
PREPARE = r"""
python prepare_data.py \
    --input_dir /path/to/your/audio/files \
    --output_dir ./finetune/data \
    --metadata_file metadata.json \
    --default_text "hip hop 808 beat"
"""
EXAMPLE = r"""
python prepare_data.py \
    --create_example \
    --output_dir ./finetune/data \
    --num_samples 10
"""
TRAIN_LESS_MEMORY = r"""
python train_lora.py \
    --batch_size 1 \
    --gradient_accumulation_steps 8
"""
TRAIN = r"""
python train_lora.py \
    --model_path /root/autodl-tmp/musicgen/local/musicgen-small \
    --data_dir ./finetune/data \
    --metadata_file metadata.json \
    --output_dir ./finetune/output \
    --lora_rank 12 \
    --lora_alpha 24 \
    --learning_rate 3e-4 \
    --batch_size 2 \
    --gradient_accumulation_steps 4 \
    --num_epochs 5 \
    --fp16
"""
INFER = r"""
python inference_lora.py \
    --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small \
    --lora_model_path ./finetune/output/best_model \
    --prompts "hip hop 808 beat with trap drums" \
    --output_dir ./finetune/output/generated \
    --duration 10
"""
INFER_BATCH = r"""
python inference_lora.py \
    --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small \
    --lora_model_path ./finetune/output/best_model \
    --prompts "hip hop 808 beat" "808 bass and trap drums" "trap beat with 808" \
    --output_dir ./finetune/output/generated \
    --duration 10
"""
EVALUATE = r"""
python evaluate.py \
    --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small \
    --lora_model_path ./finetune/output/best_model \
    --output_dir ./finetune/output/evaluation \
    --duration 10
"""
EVALUATE_COMPARE = r"""
python evaluate.py \
    --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small \
    --lora_model_path ./finetune/output/best_model \
    --output_dir ./finetune/output/evaluation \
    --compare \
    --duration 10
"""
INFER_AGAIN = (
    "python inference_lora.py --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small "
    "--lora_model_path ../output/best_model "
    '--prompts "hip hop 808 beat with trap drums" --output_dir ../output/generated --duration 15'
)
TRAIN_FIX = r"""
python train_lora.py \
  --model_path /root/autodl-tmp/musicgen/local/musicgen-small \
  --data_dir ../data \
  --metadata_file metadata.json \
  --output_dir ../output_fix \
  --lora_rank 32 \
  --lora_alpha 64 \
  --lora_dropout 0.05 \
  --learning_rate 1e-4 \
  --batch_size 1 \
  --gradient_accumulation_steps 8 \
  --num_epochs 1 \
  --warmup_steps 200 \
  --save_steps 200 \
  --logging_steps 10 \
  --fp16 \
  --max_duration 15 \
  --target_duration 15
"""
INFER_FIX = r"""
python inference_lora.py \
  --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small \
  --lora_model_path ../output_fix/best_model \
  --prompts "trap hiphop beat, 808 sub bass heavy" \
  --output_dir ../output_fix/generated \
  --duration 15
"""
EVALUATE_FIX = r"""
python evaluate.py \
  --base_model_path /root/autodl-tmp/musicgen/local/musicgen-small \
  --lora_model_path ../output_fix/best_model \
  --output_dir ../output_fix/evaluation \
  --duration 15 \
  --compare \
  --test_prompts "trap hiphop beat, 808 sub bass heavy"
"""
PROMPT_FIX = "trap hiphop beat, 808 sub bass heavy"


@dataclass
class Guide:
    """A working directory in which the guides' commands were typed, and what came of each."""

    here: Path
    model: Path
    audio: Path
    said: dict[str, str] = field(default_factory=dict)
    left: dict[str, set[str]] = field(default_factory=dict)

    def type(self, command: str, **environment: str) -> None:
        """Run a command through bash; keep what it said and which files there were afterwards."""
        text = command.strip().replace(MODEL, str(self.model)).replace(AUDIO, str(self.audio))
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.here,
            env={**plain_environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr
        self.said[command] = done.stdout
        root = self.here.parent
        self.left[command] = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}

    def made(self, command: str, folder: str) -> list[str]:
        """Names of the audio files in ``folder`` (below the working directory's parent) after a command."""
        return sorted(n.removeprefix(f"{folder}/") for n in self.left[command] if Path(n).parent.as_posix() == folder)


def plain_environment() -> dict[str, str]:
    """This process's environment with its own Python first, on one thread, without a network."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def working_directory(root: Path, family: str = "musicgen") -> Path:
    """A copy of a folder of ``scripts/`` two folders below something that looks like this repository."""
    root.mkdir(parents=True)
    for name in ("src", "pyproject.toml", "README.md", "LICENSE"):
        (root / name).symlink_to(REPOSITORY / name)
    here = root / "finetune" / "lora"
    made = shutil.ignore_patterns("__pycache__", "finetune", "exps", "zh_lora_dataset")
    shutil.copytree(REPOSITORY / "scripts" / family, here, ignore=made)
    return here


@pytest.fixture(scope="module", params=["taught", pytest.param("pocket", marks=pytest.mark.slow)])
def guide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    """Both guides, command after command."""
    if request.param == "pocket":
        from tunesmith.pocket.shipped import pocket_path

        model = pocket_path("musicgen")
    else:
        model = request.getfixturevalue("taught")
    here = working_directory(tmp_path_factory.mktemp("guides") / "musicgen")
    guide = Guide(here, model, here)
    # What the command about memory leaves out, and previews short enough for a test.
    with (here / "config.yaml").open("a") as file:
        file.write(f"model_path: {model}\ntarget_duration: 2\n")
    for command in (VERIFY, EXAMPLE, TRAIN_LESS_MEMORY, TRAIN, INFER, INFER_BATCH, EVALUATE, EVALUATE_COMPARE):
        guide.type(command)
    (here.parent / "output").symlink_to(here / "finetune" / "output")
    shutil.copytree(here / "finetune" / "data", here.parent / "data")
    for command in (INFER_AGAIN, TRAIN_FIX, INFER_FIX, EVALUATE_FIX):
        guide.type(command)
    yield guide


def comparison(folder: Path) -> dict:
    return json.loads((folder / "comparison_results.json").read_text(encoding="utf-8"))


def recipe(folder: Path) -> dict:
    import yaml

    return yaml.safe_load((folder / "recipe.resolved.yaml").read_text(encoding="utf-8"))


def test_requirements_install_tunesmith_itself(tmp_path: Path) -> None:
    guide = Guide(working_directory(tmp_path / "musicgen"), tmp_path, tmp_path)
    quick = {"PIP_DRY_RUN": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("the build backend is not installed here, and pip would have to download it")
    # For pip, "0" in this variable means what --no-build-isolation means (its own inversion).
    guide.type(INSTALL, PIP_NO_BUILD_ISOLATION="0", PIP_FORCE_REINSTALL="1", **quick)
    assert "Would install tunesmith-" in guide.said[INSTALL]


def test_a_folder_of_audio_becomes_a_dataset(tmp_path: Path) -> None:
    from tunesmith.pocket.examples import make_examples

    audio = tmp_path / "mine"
    make_examples(tmp_path, 8)
    (tmp_path / "train").rename(audio)
    guide = Guide(working_directory(tmp_path / "musicgen"), tmp_path, audio)
    guide.type(PREPARE)
    data = guide.here / "finetune" / "data"
    rows = json.loads((data / "metadata.json").read_text(encoding="utf-8"))
    assert len(rows) == 8
    assert all(set(row) == {"audio", "text"} and row["text"] == "hip hop 808 beat" for row in rows)
    assert {row["audio"].split("/")[0] for row in rows} == {"train", "valid"}
    assert all(soundfile.info(data / row["audio"]).samplerate == 32000 for row in rows)
    # Example clips would replace this dataset's list: refused, and nothing is touched.
    before = {p: p.read_bytes() for p in data.rglob("*") if p.is_file()}
    done = subprocess.run(
        ["bash", "-c", EXAMPLE.strip()],
        cwd=guide.here,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "this file lists other clips" in done.stderr
    assert {p: p.read_bytes() for p in data.rglob("*") if p.is_file()} == before


def test_cuda_is_asked_for(guide: Guide) -> None:
    assert guide.said[VERIFY].strip() in ("True", "False")


def test_example_clips_are_real_and_listed(guide: Guide) -> None:
    data = guide.here / "finetune" / "data"
    rows = json.loads((data / "metadata.json").read_text(encoding="utf-8"))
    assert len(rows) == 10
    for row in rows:
        assert set(row) == {"audio", "text"}
        audio, rate = soundfile.read(data / row["audio"])
        assert rate == 32000
        assert abs(audio).max() > 0.1


@pytest.mark.parametrize("command", [TRAIN, TRAIN_LESS_MEMORY, TRAIN_FIX], ids=["basic", "memory", "fix"])
def test_training_says_losses_rate_and_progress(guide: Guide, command: str) -> None:
    said = guide.said[command]
    for words in ("train loss", "valid loss", "learning rate", "update 1/", "best: "):
        assert words in said


def test_training_leaves_the_documented_folders(guide: Guide) -> None:
    left = guide.left[TRAIN]
    output = "lora/finetune/output"
    for name in ("best_model", "final_model", "checkpoints/step-000005"):
        assert f"{output}/{name}/adapter_model.safetensors" in left
    config = json.loads((guide.here / "finetune/output/best_model/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (12, 24, 0.1)


def test_a_flag_goes_before_config_and_config_before_the_default(guide: Guide) -> None:
    memory, fix = recipe(guide.here / "finetune/output"), recipe(guide.here.parent / "output_fix")
    assert memory["previews"]["seconds"] == 2  # config.yaml
    assert fix["previews"]["seconds"] == 15  # flag
    assert memory["train"]["learning_rate"] == 3e-4
    assert memory["data"]["max_seconds"] == 30  # default
    assert memory["train"]["warmup_updates"] == memory["train"]["save_every"] == 100
    assert fix["data"]["max_seconds"] == 15
    assert (fix["adapter"]["rank"], fix["adapter"]["alpha"], fix["adapter"]["dropout"]) == (32, 64, 0.05)


def test_target_duration_is_the_length_of_previews_and_pads_nothing(guide: Guide) -> None:
    for folder, seconds in ((guide.here / "finetune/output", 2), (guide.here.parent / "output_fix", 15)):
        previews = sorted((folder / "previews" / "step-000000").glob("*.wav"))
        assert previews
        assert all(soundfile.info(p).duration == pytest.approx(seconds, abs=0.05) for p in previews)
    manifest = (guide.here.parent / "output_fix/data/manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(6 <= json.loads(line)["audios"]["audio"]["duration"] <= 12 for line in manifest)


@pytest.mark.parametrize(("command", "cut"), [(TRAIN, "from 100 to 1"), (TRAIN_FIX, "from 200 to 1")])
def test_a_warm_up_longer_than_the_run_is_cut_and_said(guide: Guide, command: str, cut: str) -> None:
    assert f"warm-up cut {cut}" in guide.said[command]


def test_half_precision_without_a_gpu_is_said_once(guide: Guide) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    for command in (TRAIN, TRAIN_FIX):
        assert guide.said[command].count("fp16 was asked for and fp32 is used") == 1
    assert "was asked for" not in guide.said[TRAIN_LESS_MEMORY]


def test_starting_anew_is_said_before_checkpoints_are_replaced(guide: Guide) -> None:
    assert "starting anew" in guide.said[TRAIN]
    assert "starting anew" not in guide.said[TRAIN_LESS_MEMORY]


def test_known_bad_values_are_warned_about_with_a_better_one(guide: Guide) -> None:
    assert "--learning_rate 0.0003" in guide.said[TRAIN]
    assert "1e-4 is better" in guide.said[TRAIN]
    assert "--lora_dropout 0.1" in guide.said[TRAIN]
    assert "--learning_rate" not in guide.said[TRAIN_FIX]


@pytest.mark.parametrize(("command", "number", "seconds"), [(INFER, 1, 10), (INFER_BATCH, 3, 10), (INFER_FIX, 1, 15)])
def test_inference_writes_one_file_per_prompt(guide: Guide, command: str, number: int, seconds: int) -> None:
    folder = "output_fix/generated" if command == INFER_FIX else "lora/finetune/output/generated"
    names = [name for name in guide.made(command, folder) if name.endswith(".wav")]
    assert len(names) == number
    files = [guide.here.parent / folder / name for name in names]
    if command != INFER_BATCH:  # files of an earlier command of the same folder are replaced by later ones
        assert all(name in guide.said[command] for name in names)
    assert all(soundfile.info(file).duration >= min(seconds, 10) - 0.05 for file in files)


def test_evaluation_alone_makes_the_adapters_side_only(guide: Guide) -> None:
    left = guide.left[EVALUATE]
    assert any(name.startswith("lora/finetune/output/evaluation/lora_model/") for name in left)
    assert not any(name.startswith("lora/finetune/output/evaluation/base_model/") for name in left)


def test_comparison_uses_the_held_out_captions_on_both_sides(guide: Guide) -> None:
    folder = guide.here / "finetune/output/evaluation"
    record = comparison(folder)
    held_out = {
        sample["texts"]["caption"]
        for line in (guide.here / "finetune/output/data/manifest.jsonl").read_text(encoding="utf-8").splitlines()
        if (sample := json.loads(line))["split"] == "valid"
    }
    assert {p["prompt"] for p in record["prompts"] if p["kind"] == "held_out"} == held_out
    for one in record["prompts"]:
        for side, name in (("base", "base_model"), ("lora", "lora_model")):
            file = folder / one[side]["file"]
            assert file.parent.name == name
            assert soundfile.info(file).duration == pytest.approx(10, abs=0.05)
    assert record["losses"]["base"] is not None


def test_a_prompt_is_never_split_at_a_comma(guide: Guide) -> None:
    record = comparison(guide.here.parent / "output_fix/evaluation")
    assert [p["prompt"] for p in record["prompts"] if p["kind"] == "user"] == [PROMPT_FIX]
    assert record["settings"]["seconds"] == 15
    generated = json.loads((guide.here.parent / "output_fix/generated/generated.json").read_text())
    assert [file["prompt"] for file in generated["files"]] == [PROMPT_FIX]


@pytest.mark.parametrize("folder", ["lora/finetune/output", "output_fix"])
def test_the_output_folder_is_a_run_that_can_be_reported_on(guide: Guide, folder: str) -> None:
    from tunesmith.cli.main import main

    assert main(["report", str(guide.here.parent / folder)]) == 0
    page = (guide.here.parent / folder / "report.html").read_text(encoding="utf-8")
    assert len(page) > 10_000
    assert "warm-up cut" in page or "预热由" in page
