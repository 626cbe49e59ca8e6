"""Step-Audio-EditX in the layout of the Hub, from six clips to a merged model, as a user types it.

The files are those of the released checkpoint with small random networks (``tests/families/step_audio/released.py``);
what is heard and said runs through Paraformer, both ONNX files, the published text tokeniser and HiFT.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.families.step_audio.released import LLM, MODEL, write_released
from tests.families.step_audio.released_runs import STAGES, do, new_run, write_tokens, write_voice
from tunesmith.families.contract import Family
from tunesmith.families.step_audio.config import FLOW_FOLDER, SAMPLE_RATE
from tunesmith.families.step_audio.family import STEP_AUDIO

LLM_ALONE = ("options.train=llm", "train.stages.llm.epochs=1")
FLOW_ALONE = ("options.train=flow", "train.stages.flow.epochs=1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model and tokeniser beside each other, clips with and without texts, and a list of ready tokens."""
    folder = tmp_path_factory.mktemp("released")
    write_released(folder)
    write_voice(folder / "voice")
    write_voice(folder / "silent", texts=False)
    write_tokens(folder / "sft.jsonl")
    return folder


@pytest.fixture(autouse=True)
def _there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])


def speech(file: Path) -> np.ndarray:
    sound, rate = soundfile.read(file)
    assert (rate, sound.ndim) == (SAMPLE_RATE, 1)
    assert np.isfinite(sound).all()
    assert sound.std() > 1e-4
    return sound


def merged_family(run: Path, *more: str) -> Family:
    assert do("export", run, *more, "--merged") == 0
    return STEP_AUDIO.open(str(run / "export" / "merged"))


@pytest.mark.slow
def test_the_whole_road(root: Path) -> None:
    run = new_run(root, "road", root / "voice", root / MODEL)
    values = (*STAGES, "previews.every=100", "previews.count=1", "previews.seconds=0.4")
    for verb in ("check", "encode", "train", "generate", "evaluate", "report", "plan"):
        assert do(verb, run, *values) == 0, verb
    losses = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in losses if "stage" in line} >= {"llm", "flow", "joint"}
    assert len(list((run / "previews").rglob("*.wav"))) >= 3
    plain = speech(run / "generated" / "00.wav")
    edit = ("--source", str(root / "voice" / "line-lazy.wav"), "--source-text", "he said lazy", "--prompt", "said so")
    assert do("generate", run, *values, *edit, "--edit", "emotion:happy") == 0
    assert len(speech(run / "generated" / "00.wav")) != 0
    assert not np.array_equal(speech(run / "generated" / "00.wav"), plain)
    record = json.loads((run / "evaluation" / "comparison_results.json").read_text())
    assert "CAM++" in json.dumps(record)
    assert (run / "report.html").stat().st_size > 10_000
    merged = merged_family(run, *values)
    check_merged(root, merged)
    assert not {"configuration_step1", "modeling_step1"} & sys.modules.keys()


def check_merged(root: Path, merged: Family) -> None:
    """The merged folder is a checkpoint like the one it came from, and differs where it was trained."""
    base = STEP_AUDIO.open(str(root / MODEL))
    assert STEP_AUDIO.recognises(merged.path)
    before, after = base.networks(), merged.networks.load()
    changed = {
        name: {
            key
            for key, tensor in before[name].state_dict().items()
            if not torch.equal(tensor, after[name].state_dict()[key])
        }
        for name in before
    }
    assert changed["flow"]
    assert all(key.startswith("decoder.") for key in changed["flow"])
    assert all(key.split(".")[-2] in ("q_proj", "k_proj", "v_proj") for key in changed["llm"])
    config = json.loads((merged.checkpoint.folder / "config.json").read_text())
    assert config["num_attention_groups"] == LLM.num_attention_groups
    assert config["tie_word_embeddings"] is False  # which the released one leaves to guesses
    assert "tunesmith_small" not in config
    for name in ("tokenizer.model", "tokenizer_config.json", f"{FLOW_FOLDER}/hift.pt", f"{FLOW_FOLDER}/campplus.onnx"):
        assert (merged.checkpoint.folder / name).read_bytes() == (base.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "values", "changed"),
    [
        ("llm", LLM_ALONE, {"llm"}),
        ("flow", FLOW_ALONE, {"flow"}),
        ("flow-lora", (*FLOW_ALONE, "adapter.networks.flow.kind=lora"), {"flow"}),
        ("whole-flow", (*FLOW_ALONE, "options.freeze_encoder=false"), {"flow"}),
        ("legacy", (*LLM_ALONE, "options.prompt_style=legacy"), {"llm"}),
    ],
)
@pytest.mark.slow
def test_one_network_alone(root: Path, name: str, values: tuple[str, ...], changed: set[str]) -> None:
    run = new_run(root, name, root / "voice", root / MODEL)
    values = (*values, "train.learning_rate=0.01")
    for verb in ("train", "generate", "evaluate"):
        assert do(verb, run, *values) == 0, verb
    speech(run / "generated" / "00.wav")
    merged, base = merged_family(run, *values).networks.load(), STEP_AUDIO.open(str(root / MODEL)).networks.load()
    states = {one: (base[one].state_dict(), merged[one].state_dict()) for one in base}
    assert changed == {
        one for one, (old, new) in states.items() if any(not torch.equal(old[key], new[key]) for key in old)
    }


@pytest.mark.slow
def test_clips_without_texts_train_the_flow(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = new_run(root, "silent", root / "silent", root / MODEL)
    capsys.readouterr()
    assert do("check", run) == 1
    assert "train the flow alone" in capsys.readouterr().err
    for verb in ("train", "generate", "evaluate", "report"):
        assert do(verb, run, *FLOW_ALONE) == 0, verb
    speech(run / "generated" / "00.wav")


@pytest.mark.slow
def test_ready_tokens_train_the_llm(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Step-Audio's own list of tokens, which no audio comes with; a voice to speak with is named afterwards."""
    run = new_run(root, "tokens", root / "sft.jsonl", root / MODEL)
    capsys.readouterr()
    assert do("check", run) == 1
    assert "train the LLM alone" in capsys.readouterr().err
    assert do("train", run, *LLM_ALONE) == 0
    assert do("generate", run, *LLM_ALONE) == 1
    assert "no voice to speak with" in capsys.readouterr().err
    voice = ("--source", str(root / "voice" / "line-lazy.wav"), "--source-text", "he said lazy", "--prompt", "again")
    assert do("generate", run, *LLM_ALONE, *voice) == 0
    speech(run / "generated" / "00.wav")
