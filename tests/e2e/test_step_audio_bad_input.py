"""What the Step-Audio doorway cannot use is a sentence, in the YAML, the lists, the flags and the Python interface."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.e2e.step_audio import Capsys, config, recipe_of, refused, working_folder
from tunesmith.doorways.common import run_doorway
from tunesmith.doorways.step_audio.config import DEFAULT, read_config
from tunesmith.doorways.step_audio.finetune_demo import COMMANDS, finetune_demo, parser
from tunesmith.doorways.step_audio.model_loader import ModelSource, locate_model
from tunesmith.doorways.step_audio.tokenizer import StepAudioTokenizer
from tunesmith.doorways.step_audio.tts import StepAudioTTS
from tunesmith.errors import TunesmithError

__all__ = ["working_folder"]
pytestmark = pytest.mark.usefixtures("working_folder")


# --- what cannot be used --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optim:\n  lr_lm: 1e-4\n", ":2: optim.lr_lm: unknown key; did you mean `optim.lr_llm`?"),
        ("data:\n  train_pth: x\n", ":2: data.train_pth: unknown key; did you mean `data.train_path`?"),
        ("model:\n  llm:\n    lora_rank: 8\n", ":3: model.llm.lora_rank: unknown key"),
        ("optim:\n  lr_llm: fast\n", ":2: optim.lr_llm: must be a number, not `fast`"),
        ("optim:\n  lr_llm: 0\n", ":2: optim.lr_llm: must be greater than 0"),
        ("basic:\n  train_mode: all\n", ":2: basic.train_mode: must be one of both, llm, flow, not `all`"),
        ("basic: 3\n", ":1: basic: must be a section"),
        ("stage:\n  stage1_epochs: -1\n", ":2: stage.stage1_epochs: must be at least 0"),
        ("data:\n  train_path: a\n  train_data: b\n", ":2: data.train_path: means the same as data.train_data"),
        ("basic:\n  seed: !!python/object 1\n", ":2: YAML tags"),
        ("basic: [\n", "this is not YAML"),
    ],
)
def test_a_file_that_cannot_be_used(text: str, words: str, capsys: Capsys) -> None:
    Path(DEFAULT).write_text(text)
    err = refused(capsys)
    assert f"error: {DEFAULT}" in err
    assert words in err


def test_every_problem_at_once(capsys: Capsys) -> None:
    Path(DEFAULT).write_text("optim:\n  lr_lm: 1\nsave:\n  ckpt: x\n")
    err = refused(capsys)
    assert "2 problems" in err
    assert ":2: optim.lr_lm" in err
    assert ":4: save.ckpt" in err


@pytest.mark.parametrize(
    ("model", "mode", "words"),
    [
        (
            {"llm": {"model_path": "./nowhere"}},
            "both",
            (
                "model.llm.model_path: there is no model folder ./nowhere",
                "hf download stepfun-ai/Step-Audio-EditX --local-dir ./nowhere",
                "7.8 GB, Apache-2.0",
            ),
        ),
        (
            {"llm": {"model_path": "data"}},
            "both",
            (
                "these files are missing: model-00001.safetensors (the LLM, 7.1 GB), config.json",
                "flow.pt (the flow, 0.6 GB)",
                "campplus.onnx",
            ),
        ),
        (
            {"llm": {"model_path": "pocket"}, "flow": {"model_path": "./nowhere"}},
            "flow",
            ("model.flow.model_path: there is no flow folder ./nowhere",),
        ),
        (
            {"llm": {"model_path": "pocket"}, "flow": {"model_path": "./data"}},
            "flow",
            ("CosyVoice-300M-25Hz/cosyvoice.yaml (the flow's config)",),
        ),
        (
            {"llm": {"model_path": "pocket"}, "tokenizer": {"model_path": "./nowhere"}},
            "both",
            (
                "model.tokenizer.model_path: there is no such tokenizer folder",
                "1.5 GB",
                "stepfun-ai/Step-Audio-Tokenizer",
            ),
        ),
        (
            {"llm": {"model_path": "pocket", "lora": False}},
            "llm",
            ("model.llm.lora: of the LLM a LoRA adapter is trained", "--mode flow"),
        ),
        (
            {"llm": {"model_path": "pocket", "freeze_backbone": False}},
            "both",
            ("model.llm.freeze_backbone: of the LLM a LoRA",),
        ),
        (
            {"llm": {"model_path": "pocket", "lora_target_modules": ["q_proj", "to_q"]}},
            "both",
            ("the LLM has no layer to_q. It has q_proj, k_proj",),
        ),
        ({"llm": {"model_path": "pocket", "lora_target_modules": []}}, "both", ("no layer is named",)),
    ],
)
def test_a_model_section_that_cannot_be_used(model: Any, mode: str, words: Sequence[str], capsys: Capsys) -> None:
    config({"model": model})
    err = refused(capsys, ["--mode", mode])
    for one in words:
        assert one in err, err


def test_the_flow_alone_needs_no_lora() -> None:
    assert recipe_of({"model": {"llm": {"model_path": "pocket", "lora": False}}}, "flow").options["train"] == "flow"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"train_path": "data/none.jsonl"}, "data.train_path: there is no list data/none.jsonl. Write one line per"),
        ({"train_data": "data/none.jsonl"}, "data.train_data: there is no list data/none.jsonl"),
        ({"val_path": "data/none.jsonl"}, "data.val_path: there is no list data/none.jsonl"),
        ({"train_data": "data/data.list"}, "data.train_data: data/data.list is no JSONL; lists of parquet files"),
    ],
)
def test_lists_that_are_not_there(data: dict[str, str], words: str, capsys: Capsys) -> None:
    Path("data/data.list").write_text("x.parquet\n")
    config({"data": data})
    assert words in refused(capsys)


def test_flags(capsys: Capsys) -> None:
    assert "nowhere.yaml: there is no such config file. Check --config" in refused(capsys, ["--config", "nowhere.yaml"])
    flags = {flag.removeprefix("--") for action in parser()._actions for flag in action.option_strings if "--" in flag}
    assert flags == COMMANDS["finetune_demo"] | {"debug", "help"}
    for argv in (["--mode", "all"], ["--mod", "llm"]):
        with pytest.raises(SystemExit):
            run_doorway(finetune_demo, argv)
    assert run_doorway(finetune_demo, ["--test"]) == 1
    assert "nothing was trained here yet. Run the same command without --test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("resume", "words"),
    [
        ("ckpt/finetune/llm_best.pt", "a file of weights has no optimizer's state to go on with. Write --resume alone"),
        ("data", "this is not the newest checkpoint of ckpt/finetune. It has none yet"),
        ("ckpt/finetune", "ckpt/finetune: there is no checkpoint to go on from. Leave --resume out"),
        (None, "ckpt/finetune: there is no checkpoint to go on from. Leave --resume out to begin this run"),
    ],
)
def test_what_cannot_be_resumed(resume: str | None, words: str, capsys: Capsys) -> None:
    assert words in refused(capsys, ["--resume", *([resume] if resume else [])])


def test_the_mode_on_the_command_line_goes_before_the_file() -> None:
    given = read_config(config({"basic": {"train_mode": "flow"}}))
    assert given.config.basic.train_mode == "flow"
    with pytest.raises(TunesmithError, match="never all"):
        recipe_of({"model": {"llm": {"model_path": "pocket", "lora": False}}}, "llm")


# --- lines of the list, by way of the command -----------------------------------------------------------------------


def lines(*changes: dict[str, Any] | str) -> None:
    """The sample's first line again and again, each with changes; or a text as it stands."""
    first = json.loads(Path("data/train.jsonl").read_text().splitlines()[0])
    texts = [one if isinstance(one, str) else json.dumps({**first, **one}) for one in changes]
    Path("data/train.jsonl").write_text("\n".join(texts) + "\n")


def test_an_unknown_edit_ends_the_run_at_its_line(capsys: Capsys) -> None:
    lines({}, {"edit_type": "sing"})
    config({"data": {"train_path": "data/train.jsonl"}})
    assert run_doorway(finetune_demo, []) == 1
    err = capsys.readouterr().err
    assert "data/train.jsonl:2: there is no edit_type 'sing'. Choose one of clone, emotion" in err


def test_lines_that_cannot_be_used_are_named_and_the_last_one_says_so(capsys: Capsys) -> None:
    lines('{"prompt_audio_path": ', {"target_audio_path": None}, {"target_audio_path": "audio/none.flac"})
    config({"data": {"train_path": "data/train.jsonl"}})
    assert run_doorway(finetune_demo, []) == 1
    said = "".join(capsys.readouterr())
    for words in ("train.jsonl:1", "this line is not JSON", "has no `target_audio_path`", "none.flac"):
        assert words in said, said
    assert "Traceback" not in said


# --- the Python interface -------------------------------------------------------------------------------------------


def test_where_a_model_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {source.name for source in ModelSource} == {"AUTO", "LOCAL", "HUGGINGFACE", "MODELSCOPE"}
    assert locate_model("pocket") == locate_model("pocket/step_audio", ModelSource.LOCAL) == "pocket/step_audio"
    assert locate_model("data") == locate_model("data", ModelSource.LOCAL) == "data"
    for name, source in (("./nowhere", ModelSource.AUTO), ("owner/name", ModelSource.LOCAL)):
        with pytest.raises(TunesmithError, match=r"there is no such model folder.*7.8 GB, Apache-2.0.*hf download"):
            locate_model(name, source)
    with pytest.raises(TunesmithError, match=r"not on this machine and could not be downloaded.*HF_ENDPOINT"):
        locate_model("stepfun-ai/Step-Audio-EditX-none", ModelSource.HUGGINGFACE)
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(TunesmithError, match=r"ModelScope's library is not installed.*pip install modelscope"):
        StepAudioTokenizer("stepfun-ai/Step-Audio-Tokenizer", ModelSource.MODELSCOPE)
    with pytest.raises(TunesmithError, match="these files are missing: model-00001"):
        StepAudioTTS("data", StepAudioTokenizer("data"))


def test_modelscope_is_asked_through_its_own_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    library = types.SimpleNamespace(snapshot_download=lambda name: asked.append(name) or "data")
    monkeypatch.setitem(sys.modules, "modelscope", library)
    assert locate_model("stepfun-ai/Step-Audio-EditX", ModelSource.MODELSCOPE) == "data"
    assert asked == ["stepfun-ai/Step-Audio-EditX"]


def test_arguments_of_edit_and_of_loading() -> None:
    tts = StepAudioTTS("pocket", StepAudioTokenizer("pocket"))
    clip = "data/audio/clip_001.flac"
    for arguments, words in (
        ({"prompt_wav_path": clip, "input_audio_path": clip}, "prompt_wav_path and input_audio_path are the same"),
        ({"prompt_text": "x"}, "was given no prompt_wav_path"),
        ({"prompt_wav_path": clip}, "was given no prompt_text"),
        ({"prompt_wav_path": clip, "prompt_text": "x"}, "was given no edit_type"),
        ({"prompt_wav_path": clip, "prompt_text": "x", "edit_type": "sing"}, "there is no edit_type 'sing'"),
        ({"prompt_wav_path": "none.wav", "prompt_text": "x", "edit_type": "vad"}, "none.wav"),
    ):
        with pytest.raises(TunesmithError, match=words):
            tts.edit(**arguments)  # type: ignore[arg-type]
    soundfile.write("phone.wav", np.zeros(8_000), 8_000)
    for speak in (lambda: tts.clone("phone.wav", "x", "y"), lambda: tts.edit("phone.wav", "x", "vad")):
        with pytest.raises(TunesmithError, match=r"phone.wav: this recording has 8000 Hz, and at least 16000"):
            speak()
    before = dict(tts.networks)
    for call, words in (
        (tts.load_finetuned_model, "no checkpoint was named"),
        (lambda: tts.load_finetuned_model("none.pt"), "there is no such checkpoint"),
        (lambda: tts.load_adapter("data"), "holds no adapter"),
    ):
        with pytest.raises(TunesmithError, match=words):
            call()
    assert tts.networks == before
