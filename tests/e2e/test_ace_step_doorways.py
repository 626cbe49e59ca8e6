"""The commands of ACE-Step's two training guides, typed as they stand there, from a copy of ``scripts/ace_step``.

Only base model and length are put in, through config.yaml. The guides' commands are the same two; the smaller LoRA
config that both give is written before the second turn. The pocket model stands in for the 3.5 B one: with a quicker
last step to sound, or as it ships with ``-m slow``.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import soundfile
import yaml

from tests.e2e.test_musicgen_doorways import plain_environment, working_directory

INSTALL = "pip install -r requirements.txt"
CONVERT = 'python convert2hf_dataset.py --data_dir "./data" --repeat_count 2000 --output_name "zh_lora_dataset"'
TRAIN = "python trainer.py"
LESS_MEMORY = """
{
	"r": 16,
	"lora_alpha": 32,
	"target_modules": [
		"linear_q",
		"linear_k",
		"linear_v",
		"to_q",
		"to_k",
		"to_v",
		"to_out.0"
	]
}
"""
CONFIG = "model: {model}\nmax_steps: 3\nevery_n_train_steps: 2\nevery_plot_step: {plot}\n"


@dataclass
class Guides:
    """A working directory in which both guides were followed, and what the commands said, in order."""

    here: Path
    said: list[str] = field(default_factory=list)

    def type(self, command: str, **environment: str) -> None:
        """Run a command through bash and keep what it said."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.here,
            env={**plain_environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr
        self.said.append(done.stdout)

    @property
    def runs(self) -> list[Path]:
        """Run folders, oldest first."""
        return sorted((self.here / "exps" / "logs" / "lightning_logs").iterdir())


def ready(root: Path, model: Path, plot: int) -> Guides:
    here = working_directory(root, "ace_step")
    (here / "config.yaml").open("a").write(CONFIG.format(model=model, plot=plot))
    return Guides(here)


@pytest.fixture(scope="module", params=["swift", pytest.param("pocket", marks=pytest.mark.slow)])
def guides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guides]:
    """Both guides, command after command."""
    model = "pocket" if request.param == "pocket" else request.getfixturevalue("swift")
    guides = ready(tmp_path_factory.mktemp("guides") / "ACE-Step", model, 3)
    guides.type(CONVERT)
    guides.type(TRAIN)
    (guides.here / "config" / "zh_rap_lora_config.json").write_text(LESS_MEMORY)
    (guides.here / "config.yaml").write_text(CONFIG.format(model=model, plot=0))
    guides.type(CONVERT)
    guides.type(TRAIN)
    yield guides


def metrics(run: Path, kind: str) -> list[dict]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for line in lines if (record := json.loads(line))["kind"] == kind]


def test_requirements_install_tunesmith_itself(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("the build backend is not installed here, and pip would have to download it")
    guides = ready(tmp_path / "ACE-Step", Path("pocket"), 0)
    quick = {"PIP_DRY_RUN": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    # For pip, "0" in this variable means what --no-build-isolation means (its own inversion).
    guides.type(INSTALL, PIP_NO_BUILD_ISOLATION="0", PIP_FORCE_REINSTALL="1", **quick)
    assert "Would install tunesmith-" in guides.said[0]


def test_the_sample_is_small_and_ours(guides: Guides) -> None:
    data = guides.here / "data"
    names = ["test_track_001.mp3", "test_track_001_lyrics.txt", "test_track_001_prompt.txt"]
    assert sorted(path.name for path in data.iterdir()) == names
    assert (data / names[0]).stat().st_size <= 150_000
    audio, _ = soundfile.read(data / names[0])
    assert abs(audio).max() > 0.1


def test_the_dataset_has_exactly_the_documented_columns(guides: Guides) -> None:
    datasets = pytest.importorskip("datasets")
    found = datasets.load_from_disk(str(guides.here / "zh_lora_dataset"))
    assert found.column_names == ["keys", "filename", "tags", "speaker_emb_path", "norm_lyrics", "recaption"]
    assert len(found) == 2000
    row = found[1999]
    assert (row["keys"], row["filename"]) == ("test_track_001", "data/test_track_001.mp3")
    assert row["tags"][:2] == ["808 trap", "instrumental"]
    assert row["norm_lyrics"].startswith("[intro]\n")
    assert (row["speaker_emb_path"], row["recaption"]) == ("", {})
    # The list is long, the audio is not copied.
    assert sum(path.stat().st_size for path in (guides.here / "zh_lora_dataset").iterdir()) < 1_000_000


def test_runs_lie_where_the_guide_puts_them(guides: Guides) -> None:
    first, second = guides.runs
    for run in (first, second):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\dchinese_rap_lora", run.name)
        for save in ("epoch=0-step=2_lora", "epoch=0-step=3_lora"):
            assert (run / "checkpoints" / save / "pytorch_lora_weights.safetensors").is_file()
        assert (run / "checkpoints" / "step-000003" / "state.json").is_file()
        assert (run / "best_model" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize(("number", "rank", "rslora"), [(0, 256, True), (1, 16, False)])
def test_the_lora_config_is_used(guides: Guides, number: int, rank: int, rslora: bool) -> None:
    config = json.loads((guides.runs[number] / "checkpoints/epoch=0-step=3_lora/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config.get("use_rslora", False)) == (rank, 32, rslora)
    assert config["target_modules"] == sorted(json.loads(LESS_MEMORY)["target_modules"])


def test_curves_and_audio_at_every_plot_step(guides: Guides) -> None:
    first, second = guides.runs
    for step in ("step-000000", "step-000003"):
        (preview,) = (first / "previews" / step).glob("*.wav")
        assert soundfile.info(preview).duration == pytest.approx(15, abs=0.1)  # what is left of 22 s to train on
    assert (first / "previews" / "step-000003" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not (second / "previews").exists()


def test_tensorboard_has_the_curves_and_the_audio(guides: Guides) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first, second = (EventAccumulator(str(run / "tensorboard"), {"audio": 0, "images": 0}) for run in guides.runs)
    first.Reload()
    second.Reload()
    assert first.Tags()["images"] == ["curves"]
    assert [event.step for event in first.Images("curves")] == [3]
    assert {0, 3} <= {event.step for event in first.Audio("preview/00")}
    (rate,) = {int(event.sample_rate) for event in first.Audio("preview/00")}
    assert rate == 48_000
    assert second.Tags()["images"] == second.Tags()["audio"] == []


def test_held_out_loss_is_measured_at_every_save(guides: Guides) -> None:
    for run, said in zip(guides.runs, (guides.said[1], guides.said[3]), strict=True):
        assert [record["update"] for record in metrics(run, "valid")] == [0, 2, 3]
        assert "held-out loss is measured at every save, 2" in said


def test_what_the_run_takes_is_said(guides: Guides) -> None:
    said = guides.said[1]
    for words in (
        "the base is kept in fp32, twice the memory of --precision bf16-mixed",
        "memory on a GPU (fp32): about ",
        "an epoch is 2000 updates",
        "all are kept, 2 of them take ",
        "warm-up cut from 10 to 1",
        "update 3/3  train loss",
        "best: exps/logs/lightning_logs/",
    ):
        assert words in said, words


def test_defaults_of_the_guide_reach_the_recipe(guides: Guides) -> None:
    recipe = yaml.safe_load((guides.runs[0] / "recipe.resolved.yaml").read_text(encoding="utf-8"))
    train = recipe["train"]
    assert (train["learning_rate"], train["max_grad_norm"], train["batch_size"], train["accumulation"]) == (
        1e-4,
        0.5,
        1,
        1,
    )
    assert (train["betas"], train["schedule"], train["min_lr_share"]) == ([0.8, 0.9], "linear", 0)
    assert recipe["options"] == {"shift": 3.0, "ssl": "off"}
    assert (recipe["model"]["precision"], recipe["data"]["layout"]) == ("fp32", "huggingface")
