"""Builds run folders with real audio for the tests of the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000

RECIPE = """\
name: mybeats
model: {path: pocket, device: auto, precision: auto}
adapter: {kind: lora, rank: 16, alpha: 16.0, dropout: 0.0, rslora: false, targets: [q_proj, v_proj]}
train: {seed: 42, updates: 200, batch_size: 4, accumulation: 2, learning_rate: 1.0e-4, use_weights: raw}
"""

HOSTILE = (
    '<script>alert("x")</script><img src=x onerror=alert(1)> </style></title> 低沉的 808 🥁 &amp; {{ 7*7 }} \u202e'
)


def beat(seconds: float, seed: int = 0, fade_db: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """A drum-like loop over a bass note: (N,) float32, optionally fading or noisy."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    beat_s = 0.5 + 0.02 * seed
    kick = np.sin(2 * np.pi * 55 * t) * np.exp(-(t % beat_s) * 7)
    hats = rng.standard_normal(t.size) * np.exp(-(t % (beat_s / 4)) * 60) * 0.25
    lead = 0.2 * np.sign(np.sin(2 * np.pi * (220 * 2 ** (np.floor(t / beat_s) % 5 / 12)) * t))
    x = 0.5 * kick + 0.3 * hats + 0.3 * lead + noise * rng.standard_normal(t.size)
    return (0.6 * x * 10 ** (fade_db * t / seconds / 20)).astype(np.float32)


def write(path: Path, audio: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def side(file: str, flagged: bool) -> dict:
    verdict = {
        "name": "fade",
        "sentence": "Fades out by 12.4 dB from the first to the last third.",
        "sentence_zh": "从首三分之一到末三分之一淡出 12.4 dB。",
        "value": 12.4,
        "limit": 6.0,
    }
    signals = {
        "duration_s": 3.0,
        "lufs": -14.2,
        "fade_drop3": 12.4 if flagged else 0.3,
        "tempo_bpm": 120.0,
        "dc": None,
        "odd_one": 1e-5,
    }
    return {"file": file, "signals": signals, "verdicts": [verdict] if flagged else []}


def comparison(folder: Path, prompts: list[str], seconds: float = 3.0) -> dict:
    """Write an evaluation with its audio into ``folder``; returns what is in its JSON."""
    rows = []
    for i, prompt in enumerate(prompts):
        flagged = i == 1
        write(folder / f"base_model/{i:02d}.wav", beat(seconds, i, noise=0.05))
        write(folder / f"lora_model/{i:02d}.wav", beat(seconds, i, fade_db=-40 if flagged else 0))
        write(folder / f"reference/{i:02d}.wav", beat(seconds, i + 1))
        rows.append(
            {
                "prompt": prompt,
                "seed": 1234 + i,
                "kind": ("held_out", "user", "built_in", "base_style")[i % 4],
                "base": side(f"base_model/{i:02d}.wav", False),
                "lora": side(f"lora_model/{i:02d}.wav", flagged),
                "reference": f"reference/{i:02d}.wav",
            }
        )
    terms = {f"codebook_{k}": 3.0 + k for k in range(4)}
    value = {
        "settings": {
            "seconds": seconds,
            "guidance": 3.0,
            "seed": 1234,
            "adapter": "best_model",
            "base": "base",
            "sample_rate": RATE,
        },
        "prompts": rows,
        "reference": [
            {"clip": f"valid/{i}.wav", "file": f"reference/{i:02d}.wav", "signals": {"lufs": -12.0}}
            for i in range(len(prompts))
        ],
        "losses": {
            "base": {"loss": 4.912, "terms": terms},
            "adapter": {"loss": 4.125, "terms": {k: v - 0.5 for k, v in terms.items()}},
            "base_style": {"base": 4.2, "adapter": 4.25},
            "random": 7.625,
        },
        "findings": [
            {
                "name": "sub_bass",
                "kind": "better",
                "sentence": "The bass below 120 Hz moved from 0.21 towards your clips' 0.64 and stands at 0.52.",
                "sentence_zh": "120 Hz 以下的能量占比由 0.21 向你音频的 0.64 靠近，现为 0.52。",
                "cause": "The adapter learnt the 808.",
                "cause_zh": "适配器学到了 808。",
                "remedy": "Keep these settings.",
                "remedy_zh": "保持这些设置。",
                "evidence": {"p": 0.008, "prompts": 8},
            },
            {
                "name": "fade",
                "kind": "worse",
                "sentence": "1 of 3 outputs fades out; none of the base's does.",
                "sentence_zh": "3 个输出中有 1 个淡出；基础模型没有。",
                "cause": "Clips that end in a fade are over-represented.",
                "cause_zh": "以淡出结尾的音频过多。",
                "remedy": "Cut the endings off, or take crops from inside the tracks.",
                "remedy_zh": "去掉结尾，或从曲目内部截取。",
                "evidence": "12.4 dB, limit 6 dB",
            },
        ],
        "features": [
            {"name": "tempo_bpm", "unit": "BPM", "base": 112.0, "adapter": 138.5, "reference": 141.0, "closer": True},
            {"name": "sub_share", "unit": "", "base": 0.21, "adapter": 0.52, "reference": 0.64, "closer": True},
            {
                "name": "centroid_hz",
                "unit": "Hz",
                "base": 1800.0,
                "adapter": 2450.0,
                "reference": 1500.0,
                "closer": False,
            },
        ],
        "codec": {"snr_db": 14.2, "bandwidth_hz": 7200.0, "clips": 12},
        "verdict": {
            "learnt": {
                "en": "The adapter learnt your style: held-out loss fell by 16 %; tempo and bass moved too.",
                "zh": "适配器学到了你的风格：验证损失下降 16 %，速度和低频向你的音频靠近。",
            },
            "worse": {"en": "One of three outputs fades out by 12 dB.", "zh": "三个输出中有一个淡出 12 dB。"},
            "next": {"en": "Cut the fade-outs from the clips and train again.", "zh": "剪掉音频中的淡出，再训练一次。"},
        },
    }
    write_json(folder / "comparison_results.json", value)
    return value


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


def findings(folder: Path) -> None:
    value = {
        "layout": "metadata",
        "notes": ["3 stereo clips are mixed down to mono."],
        "findings": [
            {
                "check": "mostly_silent",
                "level": "error",
                "clip": "train/quiet.wav",
                "message": "92 % of this clip is silent.",
                "value": 92.0,
                "limit": 50.0,
                "unit": "%",
                "remedy": "Cut the silence off or leave the clip out.",
                "message_zh": "此音频 92 % 为静音。",
                "remedy_zh": "剪掉静音或去掉该音频。",
            },
            {
                "check": "clipped",
                "level": "warn",
                "clip": "train/a.wav",
                "message": "1.2 % of the samples are clipped.",
                "value": 1.2,
                "limit": 0.3,
                "unit": "%",
                "remedy": "Use an unclipped source.",
                "message_zh": "1.2 % 的样本削波。",
                "remedy_zh": "使用未削波的来源。",
            },
            {
                "check": "identical_texts",
                "level": "warn",
                "clip": "*",
                "message": "60 % of the clips share one caption.",
                "value": 60.0,
                "limit": 50.0,
                "unit": "%",
                "remedy": "Describe each clip.",
                "message_zh": "60 % 的音频描述相同。",
                "remedy_zh": "逐个描述音频。",
            },
        ],
        "quarantined": [{"clip": "train/quiet.wav", "reason": "92 % of this clip is silent."}],
        "kept": 24,
        "train": 21,
        "valid": 3,
        "split_kind": "by_source",
        "seconds": 268.4,
    }
    write_json(folder / "data" / "findings.json", value)


def full_run(folder: Path, prompts: list[str] | None = None, seconds: float = 3.0) -> Path:
    """A run with everything in it."""
    metrics(folder)
    findings(folder)
    comparison(
        folder / "evaluation",
        prompts or ["dark trap beat, 140 BPM, booming 808", HOSTILE, "很慢的 808 节拍，钟声"],
        seconds,
    )
    (folder / "recipe.resolved.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "recipe.yaml").write_text("name: mybeats\n", encoding="utf-8")
    write_json(
        folder / "environment.json",
        {
            "versions": {"tunesmith": "0.1.0", "torch": "2.13.0", "python": "3.11.2"},
            "device": "cpu, 2 threads",
            "base_model": {"path": "pocket", "licence": "Apache-2.0", "parameters": 5120000},
            "command": "tunesmith run mybeats",
        },
    )
    write_json(folder / "plan.json", {"updates": 200, "memory_gib": 1.4, "seconds": 280})
    for stage, took in (("check", 3.2), ("encode", 8.0), ("train", 305.0), ("evaluate", 41.0)):
        state = {
            "stage": stage,
            "fingerprint": "f",
            "status": "done",
            "seconds": took,
            "summary": {"clips": 24},
            "command": f"tunesmith {stage} mybeats",
        }
        write_json(folder / "stages" / f"{stage}.json", state)
    for name in ("best_model", "final_model"):
        write_json(folder / name / "adapter_config.json", {})
    return folder
