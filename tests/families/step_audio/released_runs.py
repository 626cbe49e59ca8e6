"""Runs on the released layout through the command line: short clips of one voice, and values that keep them short."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.data.sounds import phrase, save
from tests.families.step_audio.released import IDS
from tunesmith.cli.main import main
from tunesmith.families.step_audio.config import GROUP, SAMPLE_RATE

CLIPS = 6
WORDS = ("quick", "brown", "lazy", "foxes", "dogs", "jumps")
STAGES = ("train.stages.llm.epochs=1", "train.stages.flow.epochs=1", "train.stages.joint.epochs=1")
SHORT = (
    *("previews.every=0", "evaluate.forgetting_prompts=0", "data.valid_min=1"),
    *("evaluate.seconds=0.4", "generate.seconds=0.4", "evaluate.count=1", "generate.count=1"),
    *("gates.base_loss=off", "gates.layout=off"),  # a random base knows nothing
)
"""Nothing is generated while it trains, little afterwards."""


def write_voice(folder: Path, *, texts: bool = True) -> Path:
    """Six clips of a second or two, with what they say beside them."""
    for number in range(CLIPS):
        path = save(folder / f"line-{WORDS[number]}.wav", phrase(number, 1.2 + 0.1 * number, SAMPLE_RATE), SAMPLE_RATE)
        if texts:
            path.with_suffix(".txt").write_text(f"he said {WORDS[number]} and thought of it", encoding="utf-8")
    return folder


def write_tokens(path: Path) -> Path:
    """Lines of Step-Audio's own trainer: audio tokens by number or by name, and no audio."""
    random = np.random.default_rng(1)

    def codes(groups: int) -> list[int]:
        made = random.integers(0, IDS.vq02, (groups, GROUP))
        made[:, 2:] = IDS.vq02 + random.integers(0, IDS.vq06, (groups, 3))
        return [IDS.audio_base + int(code) for code in made.ravel()]

    rows = []
    for number, word in enumerate(WORDS):
        source, target = codes(8), codes(9)
        rows.append(
            {
                "source_audio": "",
                "source_text": f"he said {word}",
                "source_vq02vq06": source if number % 2 else "".join(f"<audio_{c - IDS.audio_base}>" for c in source),
                "target_text": f"{word} again",
                "target_vq02vq06": target,
                **({"task_type": "edit", "edit_type": "emotion", "edit_info": "happy"} if number == 2 else {}),
            }
        )
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def new_run(root: Path, name: str, data: Path, model: Path) -> Path:
    """A run's folder with its recipe; ``root`` is the working directory."""
    assert main(["new", name, "--from", str(data), "--model", str(model)]) == 0
    return root / "runs" / name


def do(verb: str, run: Path, *more: str) -> int:
    """One command of a short run; its exit code."""
    return main([verb, str(run), *SHORT, *more])
