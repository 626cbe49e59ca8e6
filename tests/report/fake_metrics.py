"""A run's ``metrics.jsonl`` and its previews, of the lines that training writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.report.files import beat, write
from tunesmith.records.metrics import EventLine, GateLine, MetricLine, PreviewLine, TrainLine, ValidLine
from tunesmith.texts import Message

PROMPTS = ("dark trap beat, 140 BPM", "slow heavy 808 with bells")
CUT_OFF = '{"kind": "train", "upd'


def train_line(update: int, loss: float | None = 3.0, **changes: Any) -> TrainLine:
    """One update of a run of 1.5 seconds each."""
    usual = {"learning_rate": 1e-4, "grad_norm": 0.8, "tokens": 4000, "skipped": 0, "tokens_per_second": 5210.0}
    return TrainLine(update=update, time=update * 1.5, loss=loss, **usual | changes)


def valid_line(update: int, loss: float | None = 3.0, *, best: bool = False, **changes: Any) -> ValidLine:
    """One measurement of the held-out clips."""
    return ValidLine(update=update, time=update * 1.5, loss=loss, best=best, **changes)


def preview_line(update: int, file: str, index: int = 0, **changes: Any) -> PreviewLine:
    """One preview; its audio is not written."""
    usual = {"prompt": PROMPTS[index], "seed": 7 + index, "signals": {"lufs": -15.0}}
    return PreviewLine(update=update, time=update * 1.5, index=index, file=file, **usual | changes)


def write_lines(folder: Path, lines: Iterable[MetricLine], rest: str = "") -> None:
    """Write ``metrics.jsonl``, with ``rest`` behind its lines."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line.to_json()) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text + rest, encoding="utf-8")


def metrics(folder: Path, updates: int = 200, previews: bool = True) -> None:
    """Write metrics.jsonl and previews of a run with a warm-up cut and a fading preview."""
    lines = [*_beginning(), *_course(updates)]
    if previews:
        lines += _previews(folder, updates)
    done = Message.fixed("Finished.", "完成。")
    lines.append(EventLine(update=updates, time=300.0, name="finished", message=done))
    write_lines(folder, lines, CUT_OFF)


def one_of_each() -> list[MetricLine]:
    """A line of every kind."""
    gate, *_, event = _beginning()
    return [gate, event, train_line(10), valid_line(10), preview_line(10, "previews/00.wav")]


def _beginning() -> Iterator[MetricLine]:
    base = Message.fixed("The base's loss is 0.64 of a uniform guess.", "基础模型损失为均匀猜测的 0.64。")
    yield GateLine(update=0, time=1.0, name="base_loss", status="pass", value=0.64, limit=0.85, message=base)
    cut = Message.fixed("Warm-up cut from 100 to 20 updates.", "预热由 100 步缩短为 20 步。")
    yield GateLine(update=0, time=1.0, name="warmup", status="warn", value=0.5, limit=0.1, message=cut)
    half = Message.fixed("Warm-up of 100 updates is half of the run; cut to 20.", "100 步预热占一半，缩短为 20 步。")
    yield EventLine(update=0, time=1.0, name="warmup_cut", message=half)


def _course(updates: int) -> Iterator[MetricLine]:
    rng = np.random.default_rng(0)
    for update in range(0, updates + 1, 10):
        loss = float(4.1 + 0.9 * np.exp(-update / 60))
        if update:
            rate = float(1e-4 * min(update / 20, 0.5 + 0.5 * np.cos(np.pi * update / updates)))
            noisy = loss - 0.1 + 0.06 * float(rng.standard_normal())
            yield train_line(update, noisy, learning_rate=rate, skipped=int(update > 50))
        if update % 50 == 0:
            terms = {f"codebook_{k}": loss - 1.2 + 0.8 * k for k in range(4)}
            yield valid_line(update, loss, terms=terms, forgetting=4.2 + update / 4000, best=update <= 150)


def _previews(folder: Path, updates: int) -> Iterator[PreviewLine]:
    for update in range(0, updates + 1, 100):
        for index in range(len(PROMPTS)):
            fades = update == 200 and index == 1
            file, problem = f"previews/step-{update:06d}/{index:02d}.wav", "fades out by 14 dB" if fades else None
            line = preview_line(update, file, index, problem=problem)
            write(folder / line.file, beat(2.0, index, fade_db=-50 if fades else 0))
            yield line
