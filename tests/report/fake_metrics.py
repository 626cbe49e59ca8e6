"""A run's ``metrics.jsonl`` and its previews."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.report.files import beat, write


def metrics(folder: Path, updates: int = 200, previews: bool = True) -> None:
    """Write metrics.jsonl and previews of a run with a warm-up cut and a fading preview."""
    lines: list[dict] = [
        {
            "kind": "gate",
            "update": 0,
            "time": 1,
            "name": "base_loss",
            "status": "pass",
            "value": 0.64,
            "limit": 0.85,
            "message": "The base's loss is 0.64 of a uniform guess.",
            "message_zh": "基础模型损失为均匀猜测的 0.64。",
        },
        {
            "kind": "gate",
            "update": 0,
            "time": 1,
            "name": "warmup",
            "status": "warn",
            "value": 0.5,
            "limit": 0.1,
            "message": "Warm-up cut from 100 to 20 updates.",
            "message_zh": "预热由 100 步缩短为 20 步。",
        },
        {
            "kind": "event",
            "update": 0,
            "time": 1,
            "name": "warmup_cut",
            "message": "Warm-up of 100 updates is half of the run; cut to 20.",
            "message_zh": "100 步预热占一半，缩短为 20 步。",
        },
    ]
    rng = np.random.default_rng(0)
    for update in range(0, updates + 1, 10):
        loss = 4.1 + 0.9 * np.exp(-update / 60)
        if update:
            rate = 1e-4 * min(update / 20, 0.5 + 0.5 * np.cos(np.pi * update / updates))
            lines.append(
                {
                    "kind": "train",
                    "update": update,
                    "time": update * 1.5,
                    "loss": loss - 0.1 + 0.06 * rng.standard_normal(),
                    "terms": {},
                    "learning_rate": rate,
                    "grad_norm": 0.8,
                    "tokens": 4000,
                    "skipped": 1 if update > 50 else 0,
                    "tokens_per_second": 5210.0,
                }
            )
        if update % 50 == 0:
            terms = {f"codebook_{k}": loss - 1.2 + 0.8 * k for k in range(4)}
            lines.append(
                {
                    "kind": "valid",
                    "update": update,
                    "time": update * 1.5,
                    "loss": loss,
                    "terms": terms,
                    "forgetting": 4.2 + update / 4000,
                    "best": update <= 150,
                    "weights": "raw",
                }
            )
        if previews and update % 100 == 0:
            for index in range(2):
                file = f"previews/step-{update:06d}/{index:02d}.wav"
                write(folder / file, beat(2.0, index, fade_db=-50 if update == 200 and index else 0))
                problem = "fades out by 14 dB" if update == 200 and index else None
                lines.append(
                    {
                        "kind": "preview",
                        "update": update,
                        "time": update * 1.5,
                        "index": index,
                        "prompt": ("dark trap beat, 140 BPM", "slow heavy 808 with bells")[index],
                        "seed": 7 + index,
                        "file": file,
                        "signals": {"lufs": -15.0},
                        "problem": problem,
                    }
                )
    lines.append(
        {
            "kind": "event",
            "update": updates,
            "time": 300,
            "name": "finished",
            "message": "Finished.",
            "message_zh": "完成。",
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "train", "upd', encoding="utf-8"
    )
