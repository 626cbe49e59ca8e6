"""Twenty updates of each pocket family: the run folders, and what every update measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tunesmith.pocket.shipped import example_clips

HERE = Path(__file__).parent
UPDATES, CLIPS = 20, 6

_SHARED = """
name: trajectory
data:
  folder: clips
  fingerprint: false
  max_seconds: {seconds}
  min_crop_seconds: {seconds}
  valid_min: 1
checks:
  short_seconds: 1.0
  min_sample_rate: 16000
  silent_share: 0.8
  silent_ends_share: 0.8
  fade_db: 30.0
  fade_share: 1.0
  loudness_spread: 20.0
gates: {{base_loss: warn, layout: warn}}
previews: {{every: 0}}
evaluate: {{forgetting_prompts: 0}}
"""

_MUSIC = """
model: {{path: {path}, device: cpu, precision: fp32}}
adapter: {{rank: 8, alpha: 8, dropout: 0.0}}
train:
  updates: 20
  batch_size: 4
  accumulation: 1
  learning_rate: {rate}
  schedule: linear
  log_every: 1
  valid_every: 20
  save_every: 20
"""

_SPEECH = """
model: {path: pocket/step_audio, device: cpu, precision: fp32}
adapter:
  rank: 8
  alpha: 32
  dropout: 0.0
  networks:
    flow: {kind: full, learning_rate: 5.0e-4}
train:
  stages:
    llm: {updates: 8}
    flow: {updates: 8}
    joint: {updates: 4, lr_factor: 0.5}
  batch_size: 4
  accumulation: 1
  learning_rate: 0.002
  betas: [0.9, 0.999]
  schedule: linear
  log_every: 1
  valid_every: 20
  save_every: 20
"""

RECIPES = {
    "musicgen": _MUSIC.format(path="pocket", rate="0.002") + _SHARED.format(seconds=2),
    "ace_step": _MUSIC.format(path="pocket/ace_step", rate="0.003") + _SHARED.format(seconds=3),
    "step_audio": _SPEECH + _SHARED.format(seconds=30),
}


def lay_out(folder: Path, family: str) -> None:
    """A run folder with a recipe and the first few shipped clips of a family."""
    shipped = example_clips(family)
    rows = json.loads((shipped / "metadata.json").read_text(encoding="utf-8"))[:CLIPS]
    for row in rows:
        target = folder / "clips" / row["audio"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(shipped / row["audio"], target)
    (folder / "clips" / "metadata.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPES[family], encoding="utf-8")


def read(folder: Path) -> list[dict[str, Any]]:
    """Loss and gradient norm of every update of a run."""
    lines = (json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        {"update": line["update"], "stage": line["stage"], "loss": line["loss"], "grad_norm": line["grad_norm"]}
        for line in lines
        if line["kind"] == "train"
    ]
