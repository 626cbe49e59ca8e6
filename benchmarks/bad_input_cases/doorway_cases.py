"""Bad flags, config files and data of the doorways."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from bad_input_cases.audio_cases import FILES as AUDIO
from bad_input_cases.case import Case, Command, doorway
from bad_input_cases.finished import Finished
from bad_input_cases.list_cases import CONTENTS
from bad_input_cases.recipe_cases import FILES as YAML_FILES

WRONG = ("-1", "0", "nan", "inf", "1e308", "ten", "", "9" * 400, "0.5", "../../x", "\udc80")
MUSICGEN = {
    "prepare_data": ("--input_dir", "clips"),
    "train_lora": ("--num_epochs", "1", "--target_duration", "1"),
    "inference_lora": ("--prompts", "beat", "--duration", "1"),
    "evaluate": ("--test_prompts", "beat", "--duration", "1"),
}
"""Flags with which each command works in a finished folder."""
LONG = {"num_epochs", "epochs", "max_steps"}
"""Flags of lengths, where a huge number is a long training and no mistake."""
CONFIG = "train/configs/finetune_llm_flow.yaml"


def cases(finished: Finished) -> Iterator[Case]:
    """The three folders of doorways, one after the other."""
    yield from _flags(finished, "musicgen")
    yield from _flags(finished, "ace_step")
    yield from _config_files(finished)
    yield from _lora_configs(finished)
    yield from _musicgen_data(finished)
    yield from _ace_step_data(finished)
    yield from _step_audio(finished)


def _place(
    finished: Finished, family: str, change: Callable[[Path], Any] = lambda folder: None
) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.doorway(family), folder, dirs_exist_ok=True, symlinks=True)
        shutil.copytree(finished.clips, folder / "clips")
        change(folder)

    return prepare


def _flags(finished: Finished, family: str) -> Iterator[Case]:
    from tunesmith.doorways.ace_step import options as ace_step
    from tunesmith.doorways.musicgen import options as musicgen

    options = {"musicgen": musicgen, "ace_step": ace_step}[family]
    turn = 0
    for name, keys in options.COMMANDS.items():
        base = MUSICGEN.get(name, ())
        for key in sorted(keys):
            turn += 1
            for value in (WRONG[turn % len(WRONG)], WRONG[(turn + 4) % len(WRONG)]):
                if key in LONG and len(value) > 3:
                    continue
                command = doorway(f"{family}/{name}.py", *base, f"--{key}", value, expected="any")
                yield Case(
                    f"doorway flag, {family}", f"{name}-{key}-{value[:12]}", _place(finished, family), (command,)
                )
        for words in (
            ("--nowhere",),
            ("--nowhere", "1"),
            ("extra",),
            ("--config", "nowhere.yaml"),
            ("--config", "clips"),
        ):
            command = doorway(f"{family}/{name}.py", *base, *words)
            yield Case(f"doorway flag, {family}", f"{name}-{'-'.join(words)}", _place(finished, family), (command,))


def _config_files(finished: Finished) -> Iterator[Case]:
    commands = {
        "musicgen": [doorway(f"musicgen/{name}.py", *flags, expected="any") for name, flags in MUSICGEN.items()],
        "ace_step": [
            doorway("ace_step/convert2hf_dataset.py", expected="any"),
            doorway("ace_step/trainer.py", expected="any"),
        ],
        "step_audio": [doorway("step_audio_editx/finetune_demo.py", expected="any")],
    }
    for number, (name, text) in enumerate({**YAML_FILES, **CONFIG_VALUES}.items()):
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for family, choices in commands.items():
            file = CONFIG if family == "step_audio" else "config.yaml"

            def change(folder: Path, file: str = file, content: bytes = content) -> None:
                (folder / file).write_bytes(content)

            if family != "step_audio" and name in ("empty", "comment", "null-sections"):
                continue  # nothing is set: the published model would be asked for
            command = choices[number % len(choices)]
            case_name = f"config-{family}-{name}-{Path(command.words[0]).stem}"
            yield Case("doorway config", case_name, _place(finished, family, change), (command,))


CONFIG_VALUES: dict[str, str] = {
    "section-is-list": "model_path: pocket\nmodel: pocket\ntrain_lora: [1]\ntrainer: [1]\n",
    "section-is-text": "train_lora: x\ntrainer: x\nprepare_data: x\nevaluate: x\nconvert2hf_dataset: x\n",
    "section-is-null": "model_path: pocket\nmodel: pocket\ntrain_lora:\ntrainer:\nbasic:\n",
    "value-is-object": "learning_rate: {a: 1}\noutput_dir: {a: 1}\ndata_dir: {a: 1}\n",
    "value-is-list": "learning_rate: [1, 2]\noutput_dir: [a]\ndata_dir: [b]\nmodel_path: [c]\nmodel: [c]\n",
    "value-is-true": "learning_rate: true\nmodel_path: true\nmodel: true\noutput_dir: true\ndata_dir: true\n",
    "value-is-number": "model_path: 5\nmodel: 5\noutput_dir: 5\ndata_dir: 5\nexp_name: 5\n",
    "value-is-date": "output_dir: 2024-01-01\ndata_dir: 2024-01-01\nexp_name: 2024-01-01\n",
    "switch-is-text": "fp16: maybe\nssl: maybe\ncompare: 3\n",
    "nul-in-a-path": 'output_dir: "a\\0b"\ndata_dir: "a\\0b"\nexp_name: "a\\0b"\nmodel_path: "a\\0b"\nmodel: "a\\0b"\n',
    "unknown-key": "learning_rat: 1\n",
}
"""Config files that are well-formed."""


def _lora_configs(finished: Finished) -> Iterator[Case]:
    contents = {
        **CONTENTS,
        "no-rank": b'{"lora_alpha": 4, "target_modules": ["to_q"]}',
        "rank-text": b'{"r": "x", "target_modules": ["to_q"]}',
        "rank-huge": b'{"r": 1000000000, "lora_alpha": 8, "target_modules": ["to_q"]}',
        "rank-zero": b'{"r": 0, "lora_alpha": 8, "target_modules": ["to_q"]}',
        "alpha-nan": b'{"r": 4, "lora_alpha": NaN, "target_modules": ["to_q"]}',
        "targets-text": b'{"r": 4, "lora_alpha": 8, "target_modules": "to_q"}',
        "targets-numbers": b'{"r": 4, "lora_alpha": 8, "target_modules": [1, null]}',
        "targets-unknown": b'{"r": 4, "lora_alpha": 8, "target_modules": ["nowhere"]}',
        "targets-none": b'{"r": 4, "lora_alpha": 8, "target_modules": []}',
        "unknown-key": b'{"r": 4, "lora_alpha": 8, "target_modules": ["to_q"], "peft_type": "X", "bias": "all"}',
    }
    for name, content in contents.items():
        prepare = _place(finished, "ace_step", lambda folder, content=content: (folder / "l.json").write_bytes(content))
        command = doorway("ace_step/trainer.py", "--lora_config_path", "l.json", expected="any")
        yield Case("LoRA config", f"lora-config-{name}", prepare, (command,))


def _musicgen_data(finished: Finished) -> Iterator[Case]:
    for number, (name, content) in enumerate(CONTENTS.items()):
        data = _place(
            finished, "musicgen", lambda f, content=content: (f / "finetune/data/metadata.json").write_bytes(content)
        )
        trained = doorway("musicgen/train_lora.py", *MUSICGEN["train_lora"], expected="any")
        yield Case("doorway data, musicgen", f"metadata-{name}", data, (trained,))
        prompts = _place(finished, "musicgen", lambda folder, content=content: (folder / "p.json").write_bytes(content))
        evaluated = doorway("musicgen/evaluate.py", "--test_prompts", "p.json", "--duration", "1", expected="any")
        yield Case("doorway data, musicgen", f"test-prompts-{name}", prompts, (evaluated,))
        listed = _place(
            finished, "musicgen", lambda folder, content=content: (folder / "clips/metadata.json").write_bytes(content)
        )
        prepared = doorway(
            "musicgen/prepare_data.py", "--input_dir", "clips", "--output_dir", f"out{number}", expected="any"
        )
        yield Case("doorway data, musicgen", f"prepare-{name}", listed, (prepared,))
    for name, (file, make) in AUDIO.items():
        among = _place(finished, "musicgen", lambda folder, file=file, make=make: make(folder / "clips" / file))
        prepared = doorway("musicgen/prepare_data.py", "--input_dir", "clips", "--output_dir", "out", expected="any")
        yield Case("doorway data, musicgen", f"prepare-audio-{name}", among, (prepared,))


def _ace_step_data(finished: Finished) -> Iterator[Case]:
    convert = doorway("ace_step/convert2hf_dataset.py", "--data_dir", "data", "--output_name", "out", expected="any")
    for name, content in CONTENTS.items():
        for suffix in ("_prompt.txt", "_lyrics.txt"):
            prepare = _place(
                finished,
                "ace_step",
                lambda folder, suffix=suffix, content=content: (folder / "data" / f"c0{suffix}").write_bytes(content),
            )
            yield Case("doorway data, ace_step", f"convert{suffix}-{name}", prepare, (convert,))
    for name, (file, make) in AUDIO.items():
        among = _place(finished, "ace_step", lambda folder, file=file, make=make: make(folder / "data" / file))
        yield Case("doorway data, ace_step", f"convert-audio-{name}", among, (convert,))
    for words in (
        ("--output_name", "data"),
        ("--output_name", "clips/c0.wav"),
        ("--output_name", "../x"),
        ("--data_dir", "x"),
    ):
        command = doorway("ace_step/convert2hf_dataset.py", "--data_dir", "data", *words, expected="any")
        yield Case("doorway data, ace_step", f"convert-{'-'.join(words)}", _place(finished, "ace_step"), (command,))


def _step_audio(finished: Finished) -> Iterator[Case]:
    command = "step_audio_editx/finetune_demo.py"
    for name, content in CONTENTS.items():
        for file in ("train", "val"):

            def change(folder: Path, file: str = file, content: bytes = content) -> None:
                (folder / "data" / f"{file}.jsonl").write_bytes(content)

            prepare = _place(finished, "step_audio", change)
            yield Case("doorway data, step_audio", f"{file}-list-{name}", prepare, (doorway(command, expected="any"),))
    for key, values in STEP_AUDIO_VALUES.items():
        for number, value in enumerate(values):
            prepare = _place(finished, "step_audio", _with_value(key, value))
            yield Case("doorway config", f"step-audio-{key}-{number}", prepare, (doorway(command, expected="any"),))
    for words in STEP_AUDIO_FLAGS:
        case_name = f"finetune-{'-'.join(words)}"
        expected: Command = doorway(command, *words)
        yield Case("doorway flag, step_audio", case_name, _place(finished, "step_audio"), (expected,))


def _with_value(key: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / CONFIG
        settings = yaml.safe_load(path.read_text())
        section = settings
        *sections, last = key.split(".")
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
        path.write_text(yaml.safe_dump(settings))

    return change


STEP_AUDIO_VALUES: dict[str, tuple[Any, ...]] = {
    "basic.seed": (-1, 10**40, "x"),
    "basic.device": ("toaster", "cuda:99", ""),
    "basic.train_mode": ("all", 3),
    "basic.val_interval": (0, 10**12),
    "model.llm.model_path": ("", "./nowhere", "a\0b", "../..", "/dev/null", 5),
    "model.llm.lora_r": (0, 1000, 10**12),
    "model.llm.lora_target_modules": ([], ["nowhere"], "q_proj", [1]),
    "model.flow.model_path": ("./nowhere", "a\0b", "data"),
    "model.tokenizer.model_path": ("./nowhere", "a\0b", "data"),
    "optim.lr_llm": (0, 1e308, float("nan"), float("inf"), -1),
    "optim.warmup_steps": (10**15, -1),
    "optim.accum_grad": (0, 10**9),
    "data.train_path": ("", "nowhere.jsonl", "a\0b", "data", "/dev/zero", "data/audio/clip_001.flac"),
    "data.batch_size": (0, 10**9),
    "data.max_frames_in_batch": (1, 0),
    "data.filter.max_length": (1, -1),
    "save.ckpt_dir": ("", "a\0b", "/proc/nowhere", "data/train.jsonl", "../../../../../x/y"),
    "save.save_interval": (0, 10**12),
    "stage.stage1_epochs": (-1, 0.5, "x"),
    "stage.joint_lr_scale": (-1, 0, float("nan"), 1e308),
    "loss.llm_weight": (-1, float("nan")),
}
"""Values of single keys."""
STEP_AUDIO_FLAGS = (
    ("--config", "nowhere.yaml"),
    ("--config", "data"),
    ("--config", "data/train.jsonl"),
    ("--config", "/dev/null/x"),
    ("--mode", "all"),
    ("--mode",),
    ("--nowhere",),
    ("--resume", "nowhere"),
    ("--resume", "data"),
    ("--resume", ""),
    ("--resume", "ckpt/finetune/llm_best.pt"),
    ("extra",),
)
