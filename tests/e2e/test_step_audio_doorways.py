"""The commands of the Step-Audio fine-tuning guide, typed as they stand there, from ``scripts/step_audio_editx``.

The pocket model lies where the guide puts the 3.5 B one, and a synthesised voice where it puts the user's. What is put
in besides is the number of epochs; with ``-m slow`` the shipped config is used as it is.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from tests.e2e.test_musicgen_doorways import plain_environment, working_directory
from tunesmith.doorways.common import run_doorway
from tunesmith.doorways.step_audio.finetune_demo import finetune_demo
from tunesmith.pocket.shipped import pocket_path

INSTALL = "pip install -r train/requirements.txt"
FLOW = "python finetune_demo.py --mode flow"
LLM = "python finetune_demo.py --mode llm"
BOTH = "python finetune_demo.py --mode both"
BY_CONFIG = "python finetune_demo.py --config train/configs/finetune_llm_flow.yaml"
TENSORBOARD = "tensorboard --logdir=ckpt/finetune"
TAIL = "tail -f ckpt/finetune/train.log"
SNIPPET = """
from tts import StepAudioTTS
from tokenizer import StepAudioTokenizer
from model_loader import ModelSource

# 初始化模型
tokenizer = StepAudioTokenizer(
    encoder_path="pretrained_models/Step-Audio-EditX",
    model_source=ModelSource.LOCAL
)

tts = StepAudioTTS(
    model_path="pretrained_models/Step-Audio-EditX",
    audio_tokenizer=tokenizer,
    model_source=ModelSource.LOCAL
)

# 加载微调权重
tts.load_finetuned_model(
    llm_ckpt_path="ckpt/finetune/llm_best.pt",
    flow_ckpt_path="ckpt/finetune/flow_best.pt"
)

# 使用微调后的模型进行推理
audio, sr = tts.clone(
    prompt_wav_path="path/to/prompt.wav",
    prompt_text="参考文本",
    target_text="目标文本"
)
"""
MORE = """
assert audio.dtype.is_floating_point and audio.shape[0] == 1 and audio.shape[1] > 2400 and sr == 24000
import torch
words = ("all children grow tonight", "white birds wait together")
tuned, _ = tts.clone("path/to/prompt.wav", *words)
tts.load_finetuned_model(flow_ckpt_path="ckpt/finetune/flow_best.pt")
flow, _ = tts.clone("path/to/prompt.wav", *words)
tts.load_adapter("ckpt/finetune/best_model")
adapter, _ = tts.clone("path/to/prompt.wav", *words)
assert torch.equal(tuned, adapter)
base, _ = StepAudioTTS("pretrained_models/Step-Audio-EditX", tokenizer).clone("path/to/prompt.wav", *words)
assert not torch.equal(flow, base)
old, _ = tts.edit(input_audio_path="path/to/prompt.wav", audio_text=words[0], edit_type="speed", edit_info="faster")
new, _ = tts.edit("path/to/prompt.wav", words[0], "speed", "faster")
assert torch.equal(old, new)
merged = StepAudioTTS("ckpt/finetune/merged", StepAudioTokenizer("ckpt/finetune/merged"))
alike, _ = merged.clone("path/to/prompt.wav", *words)
print("ratio", alike.shape[1] / tuned.shape[1])
"""


@dataclass
class Guide:
    """A working directory in which the guide was followed, and what each command said."""

    here: Path
    said: dict[str, str] = field(default_factory=dict)
    files: dict[str, set[str]] = field(default_factory=dict)

    def type(self, command: str, **environment: str) -> str:
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
        self.said[command] = done.stdout
        self.files[command] = {path.name for path in self.run.iterdir()} if self.run.is_dir() else set()
        return done.stdout

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.here / "ckpt" / "finetune"


def ready(root: Path) -> Guide:
    here = working_directory(root, "step_audio_editx")
    (here / "pretrained_models").mkdir()
    (here / "pretrained_models" / "Step-Audio-EditX").symlink_to(pocket_path("step_audio"))
    (here / "path" / "to").mkdir(parents=True)
    audio, rate = soundfile.read(here / "data" / "audio" / "clip_003.flac")
    soundfile.write(here / "path" / "to" / "prompt.wav", audio, rate)
    return Guide(here)


@contextlib.contextmanager
def followed(guide: Guide, command: str) -> Iterator[list[str]]:
    """A command that never ends by itself, ended after the block; the list then holds what it said."""
    output = guide.here / "output.txt"
    said: list[str] = []
    with output.open("w") as file:
        process = subprocess.Popen(
            command.split(), cwd=guide.here, env=plain_environment(), stdout=file, stderr=subprocess.STDOUT
        )
        try:
            yield said
        finally:
            process.terminate()
            process.wait()
            said += output.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module", params=["quick", pytest.param("shipped", marks=pytest.mark.slow)])
def guide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    """The guide's commands in its order."""
    guide = ready(tmp_path_factory.mktemp("guide") / "Step-Audio-EditX")
    if request.param == "quick":
        path = guide.here / "train" / "configs" / "finetune_llm_flow.yaml"
        text = re.sub(r"(stage\d_epochs): \d+", r"\1: 1", path.read_text(encoding="utf-8"))
        path.write_text(re.sub(r"save_interval: 5", "save_interval: 1", text), encoding="utf-8")
    guide.type(FLOW)
    with followed(guide, TAIL) as said:
        guide.type(LLM)
        time.sleep(1)
    guide.said[TAIL] = "\n".join(said)
    guide.type(BOTH)
    guide.type(BY_CONFIG)
    yield guide


def test_requirements_install_tunesmith_itself(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("the build backend is not installed here, and pip would have to download it")
    guide = ready(tmp_path / "Step-Audio-EditX")
    quick = {"PIP_DRY_RUN": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    # For pip, "0" in this variable means what --no-build-isolation means (its own inversion).
    guide.type(INSTALL, PIP_NO_BUILD_ISOLATION="0", PIP_FORCE_REINSTALL="1", **quick)
    assert "Would install tunesmith-" in guide.said[INSTALL]


def test_the_files_of_each_mode(guide: Guide) -> None:
    assert {"flow_best.pt", "train.log", "tensorboard", "best_model", "merged", "samples"} <= guide.files[FLOW]
    assert not any(name.startswith("llm") for name in guide.files[FLOW])
    assert {"llm_best.pt", "flow_best.pt"} <= guide.files[LLM]  # the flow's stay
    assert "checkpoint files of an earlier run are kept in ckpt/finetune/earlier/" in guide.said[BOTH]
    stage = yaml.safe_load((guide.here / "train/configs/finetune_llm_flow.yaml").read_text())["stage"]
    last = stage["stage1_epochs"]
    names = {f"llm_epoch_{last}.pt", f"flow_epoch_{last}.pt", "llm_joint_epoch_{}.pt".format(stage["stage3_epochs"])}
    assert names <= guide.files[BOTH]
    assert "snapshots" not in guide.files[BOTH]


def stage_of(path: Path) -> str:
    """The stage that a file's name belongs to; a best one's is any that trains its network."""
    found = torch.load(path, weights_only=True)["header"]
    name = found["network"]
    if "best" in path.name:
        assert found["stage"] in (name, "joint")
        return str(found["stage"])
    return "joint" if "joint" in path.name else name


@pytest.mark.parametrize(("name", "key"), [("llm", "lora_A"), ("flow", "decoder.estimator.")])
def test_checkpoints_load_as_plain_tensors(guide: Guide, name: str, key: str) -> None:
    for path in guide.run.glob(f"{name}_*.pt"):
        found = torch.load(path, weights_only=True)
        assert any(key in one for one in found["model_state_dict"]), path
        assert (found["header"]["network"], found["epoch"] > 0) == (name, True)
        assert found["header"]["base"].endswith("pretrained_models/Step-Audio-EditX")
        assert isinstance(found["val_loss"], float)
        assert (found["header"]["heldout_loss"], found["header"]["stage"]) == (found["val_loss"], stage_of(path))


def test_the_best_is_what_best_model_holds(guide: Guide) -> None:
    from safetensors.torch import load_file

    tuned = load_file(guide.run / "best_model" / "flow" / "tuned.safetensors")
    found = torch.load(guide.run / "flow_best.pt", weights_only=True)["model_state_dict"]
    assert tuned.keys() == found.keys()
    assert all(torch.equal(tuned[key], found[key]) for key in tuned)


def test_a_finished_run_is_not_done_again(guide: Guide) -> None:
    assert "train: nothing has changed, skipped" in guide.said[BY_CONFIG]
    assert "samples/tuned.wav" in guide.said[BY_CONFIG]


@pytest.mark.parametrize("command", [FLOW, LLM, BOTH])
def test_a_sample_is_spoken_with_both_weights_and_its_level_told(guide: Guide, command: str) -> None:
    said = re.findall(r"samples/(base|tuned)\.wav  ([\d.]+) s, level (-[\d.]+) dBFS", guide.said[command])
    assert [name for name, _, _ in said] == ["base", "tuned"]
    for _, seconds, level in said:
        assert 0.3 < float(seconds) < 10
        assert -50 < float(level) < -5
    for name in ("base", "tuned"):
        assert soundfile.info(guide.run / "samples" / f"{name}.wav").samplerate == 24_000


def test_warm_up_and_the_lengths_are_told(guide: Guide) -> None:
    assert "warm-up cut from 3000 to " in guide.said[BOTH]
    assert re.search(r"epochs: llm \d+, flow \d+, joint \d+, of 1 updates each \(2 x 4 clips\)", guide.said[BOTH])
    assert re.search(r"epochs: flow \d+, of 1 updates", guide.said[FLOW])


def test_the_python_of_the_guide(guide: Guide) -> None:
    (guide.here / "snippet.py").write_text(SNIPPET + MORE, encoding="utf-8")
    said = guide.type("python snippet.py")
    assert 0.5 < float(said.split("ratio ")[1]) < 2  # bf16 on the disk: near, not equal
    assert "llm: ckpt/finetune/llm_best.pt" in said
    assert "the sizes agree" not in said  # of the very base that it was trained on


def test_the_merged_model_is_whole(guide: Guide) -> None:
    merged = guide.run / "merged"
    assert {"config.json", "model.safetensors", "CosyVoice-300M-25Hz"} <= {path.name for path in merged.iterdir()}
    flow = torch.load(merged / "CosyVoice-300M-25Hz" / "flow.pt", weights_only=True)
    tuned = torch.load(guide.run / "flow_best.pt", weights_only=True)["model_state_dict"]
    assert len(flow) > len(tuned)
    assert {tensor.dtype for tensor in flow.values()} == {torch.float16}, "that of the base"
    assert all(torch.equal(flow[key], tuned[key].half()) for key in tuned)


def test_the_log_grows_while_it_is_followed(guide: Guide) -> None:
    assert re.search(r"\d\d:\d\d:\d\d update 1/1  train loss|update \d+/\d+  valid loss", guide.said[TAIL])
    assert "── train" in guide.said[TAIL]


def test_tensorboard_reads_the_folder(guide: Guide) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(guide.run / "tensorboard"))
    events.Reload()
    assert {"train/loss", "valid/loss"} <= set(events.Tags()["scalars"])
    if shutil.which("tensorboard", path=plain_environment()["PATH"]) is None:
        pytest.skip("TensorBoard's command is not installed here")
    with followed(guide, TENSORBOARD) as said:
        for _ in range(120):
            text = (guide.here / "output.txt").read_text()
            if "http://" in text or "already in use" in text:  # it serves, or another one does at its port
                break
            time.sleep(0.5)
    assert any("http://" in line or "already in use" in line for line in said), said


def test_an_interrupted_run_goes_on_and_another_mode_is_refused(
    guide: Guide, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(guide.here)
    state = guide.run / "stages" / "train.json"
    state.write_text(state.read_text().replace('"done"', '"running"'))
    newest = max((guide.run / "checkpoints").glob("step-*")).relative_to(guide.here)
    assert run_doorway(finetune_demo, ["--mode", "both", "--resume", str(newest)]) == 0
    assert "continuing from ckpt/finetune/checkpoints/step-" in capsys.readouterr().out
    assert run_doorway(finetune_demo, ["--mode", "llm", "--resume"]) == 1
    said = capsys.readouterr().err
    assert "this checkpoint belongs to another run: mode both there, llm here. Put it back to go on" in said
    assert run_doorway(finetune_demo, ["--mode", "both", "--test"]) == 0
    said = capsys.readouterr().out
    assert "samples/tuned.wav" in said
    assert "epochs:" not in said
