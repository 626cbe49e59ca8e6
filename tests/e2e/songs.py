"""Clips and a base model for the tests of the ACE-Step doorways, small enough to train on in seconds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.data.sounds import save
from tunesmith.pocket.shipped import pocket_path
from tunesmith.pocket.synth import EXAMPLE_STYLE, render

RATE = 32_000


def swift_pocket(folder: Path) -> Path:
    """A copy of the pocket model whose spectrograms are turned into sound in one iteration instead of many."""
    shutil.copytree(pocket_path("ace_step"), folder)
    path = folder / "music_vocoder" / "config.json"
    config = json.loads(path.read_text())
    assert config["iterations"] > 1
    path.write_text(json.dumps({**config, "iterations": 1}))
    return folder


def write_songs(folder: Path, number: int, seconds: float = 3.0) -> Path:
    """Synthesised clips ``song0.wav`` … with ``song0_prompt.txt`` beside each."""
    for index in range(number):
        clip = render(EXAMPLE_STYLE, seconds, 31_000 + index, RATE)
        save(folder / f"song{index}.wav", clip.audio, RATE)
        (folder / f"song{index}_prompt.txt").write_text(clip.caption, encoding="utf-8")
    return folder


def small_lora(path: Path, **changes: object) -> Path:
    """A LoRA config of rank 4."""
    config = {"r": 4, "lora_alpha": 8, "target_modules": ["to_q", "to_k", "to_v", "to_out.0"], **changes}
    path.write_text(json.dumps(config))
    return path
