"""Builds run folders with real audio for the tests of the report, from the records that the stages write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.report.fake_metrics import metrics
from tests.report.files import RATE, beat, write, write_json
from tunesmith.records.comparison import (
    BaseStyleLosses,
    CodecCeiling,
    ComparedLosses,
    ComparedPrompt,
    ComparedSide,
    Comparison,
    ComparisonSettings,
    Direction,
    FeatureResult,
    LossSummary,
    ReferenceResult,
    RunVerdict,
)
from tunesmith.records.environment import BaseModelFacts, Environment
from tunesmith.records.findings import CheckFindings, Finding, Level
from tunesmith.records.plan import DevicePlan, RunPlan
from tunesmith.records.run_finding import Cause, ClipVerdict, RunFinding
from tunesmith.records.sound_comparison import AskedTempo, CopiedClip, SetDistance, SoundComparison, Variety
from tunesmith.records.stage_state import PhaseSummary, StageState, TrainSummary
from tunesmith.texts import Message, msg

RECIPE = """\
name: mybeats
model: {path: pocket, device: auto, precision: auto}
adapter: {kind: lora, rank: 16, alpha: 16.0, dropout: 0.0, rslora: false, targets: [q_proj, v_proj]}
train: {seed: 42, updates: 200, batch_size: 4, accumulation: 2, learning_rate: 1.0e-4, use_weights: raw}
"""

HOSTILE = (
    '<script>alert("x")</script><img src=x onerror=alert(1)> </style></title> 低沉的 808 🥁 &amp; {{ 7*7 }} \u202e'
)


def side(file: str, flagged: bool) -> ComparedSide:
    verdict = ClipVerdict(
        name="fade",
        sentence=Message.fixed(
            "Fades out by 12.4 dB from the first to the last third.", "从首三分之一到末三分之一淡出 12.4 dB。"
        ),
        value=12.4,
        limit=6.0,
        severity="broken",
    )
    signals = {
        "duration_s": 3.0,
        "lufs": -14.2,
        "fade_drop3": 12.4 if flagged else 0.3,
        "tempo_bpm": 120.0,
        "dc": None,
        "odd_one": 1e-5,
    }
    return ComparedSide(file=file, signals=signals, verdicts=(verdict,) if flagged else ())


def comparison(folder: Path, prompts: list[str], seconds: float = 3.0, **changes: Any) -> Comparison:
    """Write an evaluation with its audio into ``folder``; returns what is in its record."""
    for i in range(len(prompts)):
        write(folder / f"base_model/{i:02d}.wav", beat(seconds, i, noise=0.05))
        write(folder / f"lora_model/{i:02d}.wav", beat(seconds, i, fade_db=-40 if i == 1 else 0))
        write(folder / f"reference/{i:02d}.wav", beat(seconds, i + 1))
    made = record(prompts, seconds, **changes)
    write_json(folder / "comparison_results.json", made.to_json())  # escaped: a caption may be no text at all
    return made


def record(prompts: list[str], seconds: float = 3.0, /, **changes: Any) -> Comparison:
    """What an evaluation of these prompts says; the second one's output fades."""
    rows = [
        ComparedPrompt(
            prompt=prompt,
            seed=1234 + i,
            kind=("held_out", "user", "built_in", "base_style")[i % 4],
            base=side(f"base_model/{i:02d}.wav", False),
            lora=side(f"lora_model/{i:02d}.wav", i == 1),
            reference=f"reference/{i:02d}.wav",
        )
        for i, prompt in enumerate(prompts)
    ]
    made = Comparison(
        settings=ComparisonSettings(
            seconds=seconds, guidance=3.0, seed=1234, adapter="best_model", base="base", sample_rate=RATE
        ),
        prompts=tuple(rows),
        reference=tuple(
            ReferenceResult(clip=f"valid/{i}.wav", file=f"reference/{i:02d}.wav", signals={"lufs": -12.0})
            for i in range(len(prompts))
        ),
        losses=losses(),
        findings=run_findings(),
        features=(
            feature("tempo_bpm", msg("Tempo"), "BPM", 112.0, 138.5, 141.0, "towards"),
            feature("sub_share", msg("Share under 120 Hz"), "", 0.21, 0.52, 0.64, "towards"),
            feature("centroid_hz", msg("Brightness"), "Hz", 1800.0, 2450.0, 1500.0, "away"),
        ),
        codec=CodecCeiling(snr_db=14.2, bandwidth_hz=7200.0, clips=12),
        verdict=RunVerdict(
            learnt=Message.fixed(
                "The adapter learnt your style: held-out loss fell by 16 %; tempo and bass moved too.",
                "适配器学到了你的风格：验证损失下降 16 %，速度和低频向你的音频靠近。",
            ),
            worse=Message.fixed("One of three outputs fades out by 12 dB.", "三个输出中有一个淡出 12 dB。"),
            next=Message.fixed("Cut the fade-outs from the clips and train again.", "剪掉音频中的淡出，再训练一次。"),
            causes=(cause(),),
        ),
        sound=sound(),
    )
    return made.model_copy(update=changes)


def cause() -> Cause:
    return Cause(
        name="silent_clips",
        title=Message.fixed("Silence in the clips", "音频中的静音"),
        sentence=Message.fixed("9 of 10 clips end in 4.6 s of silence.", "10 条音频中有 9 条以 4.6 秒静音结尾。"),
        remedy=Message.fixed("Trim them.", "请剪去。"),
        evidence={"silent_clips": 9, "clips": 10},
    )


def sound() -> SoundComparison:
    far = {"null_mean": 0.1, "null_spread": 0.7, "clips": 8, "reference": 12}
    return SoundComparison(
        training_clips=24,
        copies=(CopiedClip(prompt=1, clip="a.wav", score=0.6, limit=0.25, at_s=2.0, in_clip_s=1.0),),
        base=SetDistance(value=41.5, **far),
        adapter=SetDistance(value=12.5, **far),
        variety=Variety(base=7.1, adapter=6.2, high=6.9, reference=6.8),
        tempi=(AskedTempo(prompt=0, asked=120.0, base=None, adapter=119.0),),
    )


def losses() -> ComparedLosses:
    terms = {f"codebook_{k}": 3.0 + k for k in range(4)}
    return ComparedLosses(
        base=LossSummary(loss=4.912, terms=terms),
        adapter=LossSummary(loss=4.125, terms={k: v - 0.5 for k, v in terms.items()}),
        base_style=BaseStyleLosses(base=4.2, adapter=4.25),
        random=7.625,
    )


def feature(
    name: str, title: Message, unit: str, base: float, adapter: float, reference: float, direction: Direction
) -> FeatureResult:
    return FeatureResult(
        name=name, title=title, unit=unit, base=base, adapter=adapter, reference=reference, direction=direction
    )


def run_findings() -> tuple[RunFinding, ...]:
    return (
        RunFinding(
            name="sub_bass",
            kind="better",
            title=Message.fixed("Bass", "低频"),
            sentence=Message.fixed(
                "The bass below 120 Hz moved from 0.21 towards your clips' 0.64 and stands at 0.52.",
                "120 Hz 以下的能量占比由 0.21 向你音频的 0.64 靠近，现为 0.52。",
            ),
            cause=Message.fixed("The adapter learnt the 808.", "适配器学到了 808。"),
            remedy=Message.fixed("Keep these settings.", "保持这些设置。"),
            evidence={"p": 0.008, "prompts": 8},
        ),
        RunFinding(
            name="fade",
            kind="worse",
            title=msg("Fades out"),
            sentence=Message.fixed(
                "1 of 3 outputs fades out; none of the base's does.", "3 个输出中有 1 个淡出；基础模型没有。"
            ),
            cause=Message.fixed("Clips that end in a fade are over-represented.", "以淡出结尾的音频过多。"),
            remedy=Message.fixed(
                "Cut the endings off, or take crops from inside the tracks.", "去掉结尾，或从曲目内部截取。"
            ),
            evidence={"drop_db": 12.4, "limit": 6.0},
        ),
    )


def check_finding(check: str, level: Level, clip: str, message: Message, remedy: Message, **measured: Any) -> Finding:
    return Finding(check=check, level=level, clip=clip, message=message, remedy=remedy, unit="%", **measured)


def findings(folder: Path) -> None:
    silent = Message.fixed("92 % of this clip is silent.", "此音频 92 % 为静音。")
    clipped = Message.fixed("1.2 % of the samples are clipped.", "1.2 % 的样本削波。")
    alike = Message.fixed("60 % of the clips share one caption.", "60 % 的音频描述相同。")
    cut = Message.fixed("Cut the silence off or leave the clip out.", "剪掉静音或去掉该音频。")
    source = Message.fixed("Use an unclipped source.", "使用未削波的来源。")
    describe = Message.fixed("Describe each clip.", "逐个描述音频。")
    CheckFindings(
        layout="metadata",
        notes=(Message.fixed("3 stereo clips are mixed down to mono."),),
        findings=(
            check_finding("mostly_silent", "error", "train/quiet.wav", silent, cut, value=92.0, limit=50.0),
            check_finding("clipped", "warn", "train/a.wav", clipped, source, value=1.2, limit=0.3),
            check_finding("identical_texts", "warn", "*", alike, describe, value=60.0, limit=50.0),
        ),
        quarantined={"train/quiet.wav": silent},
        kept=24,
        train=21,
        valid=3,
        split_kind="by_source",
        seconds=268.4,
    ).write(folder / "data" / "findings.json")


def train_summary() -> TrainSummary:
    phase = PhaseSummary(name="train", updates=200, first_loss=5.0, best_loss=4.13, best_update=150)
    return TrainSummary(
        updates=200,
        best_loss=4.13,
        best_update=150,
        stages=(phase,),
        skipped=1,
        seconds=304.2,
        device="cpu",
        precision="fp32",
        trained_parameters=319488,
    )


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
    Environment(
        versions={"tunesmith": "0.1.0", "torch": "2.13.0", "python": "3.11.2"},
        platform="Linux x86_64",
        model=BaseModelFacts(path="pocket", family="musicgen", licence="Apache-2.0", parameters=5120000),
        command="tunesmith run mybeats",
    ).write(folder / "environment.json")
    plan().write(folder / "plan.json")
    for stage, took in (("check", 3.2), ("encode", 8.0), ("train", 305.0), ("evaluate", 41.0)):
        StageState(
            stage=stage,
            fingerprint="f",
            status="done",
            seconds=took,
            summary=train_summary().to_json() if stage == "train" else {"clips": 24},
            command=f"tunesmith {stage} mybeats",
        ).write(folder / "stages" / f"{stage}.json")
    for name in ("best_model", "final_model"):
        write_json(folder / name / "adapter_config.json", {})
    return folder


def plan() -> RunPlan:
    device = DevicePlan(
        device="CPU",
        precision="fp32",
        memory={"weights": 1.4e9},
        seconds={"training": 280.0},
        assumes=Message.fixed("50 GFLOP/s on each of 2 cores"),
        memory_bytes=1.4e9,
        total_seconds=280.0,
    )
    return RunPlan(
        updates=200,
        clips_per_update=8,
        epochs=76.2,
        warmup=20,
        peak_learning_rate=1e-4,
        clips=24,
        seconds_of_audio=268.4,
        adapter_parameters=319488,
        frames_per_micro_batch=2000,
        disk={"cache": 2.0e6},
        disk_bytes=2.0e6,
        devices=(device,),
    )
