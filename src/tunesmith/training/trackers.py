"""``metrics.jsonl`` is the truth about a run; TensorBoard gets the same numbers, and previews and curves."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any, Literal

from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.records.metrics import EventLine, MetricLine
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg

EventName = Literal[
    "warmup_cut", "precision", "resumed", "changed", "nonfinite",
    "early_stop", "vetoed", "previews_thinned", "stage", "not_measured", "interrupted", "no_best",
    "finished",
]  # fmt: skip
"""What is worth a line of its own in the course of a run."""


class Tracker:
    """Appends metric lines; silent on every process but the first.

    Args:
        folder: The run.
        active: Whether this process writes.
        resume_at: Update that the run continues from; later lines (from updates that are done again) are dropped.
    """

    def __init__(self, folder: RunFolder, *, active: bool = True, resume_at: int | None = None) -> None:
        self.folder, self.active = folder, active
        self.left_out: Message | None = None
        self._board: Any = None
        self._before = 0.0
        if active:
            self._rewind(resume_at)
        self._begun = time.monotonic() - self._before

    def _rewind(self, resume_at: int | None) -> None:
        damaged: list[TunesmithError] = []
        lines = [] if resume_at is None else self.folder.read_metrics(MetricLine, damaged)
        kept = [line for line in lines if resume_at is not None and line.update <= resume_at and not _ended(line)]
        if resume_at is not None:
            self._keep_damaged(len(damaged) + _is_cut(self.folder.metrics))
        self._before = max((line.time for line in kept), default=0.0)
        write_text(self.folder.metrics, "".join(_text(line.to_json()) for line in kept))

    def _keep_damaged(self, count: int) -> None:
        if not count:
            return
        kept = self.folder.metrics.with_name("metrics.damaged.jsonl")
        shutil.copyfile(self.folder.metrics, kept)
        said = msg(
            "{count} lines of {path} are damaged or cut off and are left out; the file as it was is kept as {kept}",
            count=count,
            path=str(self.folder.metrics),
            kept=kept.name,
        )
        self.left_out = said

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, over all its parts."""
        return time.monotonic() - self._begun

    def write(self, line: MetricLine) -> None:
        """Append one line with its time; numbers that are not finite become null."""
        if not self.active:
            return
        record = line.model_copy(update={"time": round(self.elapsed, 3)}).to_json()
        with self.folder.metrics.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(_text(record))
        self._to_board(line.kind, line.update, record)

    def event(self, name: EventName, update: int, message: Message, about: int | None = None) -> None:
        """Append something that happened, which may be about an earlier update."""
        self.write(EventLine(update=update, name=name, message=message, about=about))

    def picture(self, name: str, file: Path, update: int) -> None:
        """Show a PNG file on TensorBoard."""
        if self.active:
            from matplotlib.image import imread

            self._writer().add_image(name, imread(file), update, dataformats="HWC")

    def _writer(self) -> Any:
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.folder.tensorboard), flush_secs=10)
        return self._board

    def _sound(self, name: str, file: Path, update: int) -> None:
        """Put a WAV file on TensorBoard, whose player takes one channel."""
        from soundfile import read

        audio, rate = read(file, dtype="float32", always_2d=True)
        self._writer().add_audio(name, audio.mean(axis=1).clip(-1, 1), update, sample_rate=rate)

    def _to_board(self, kind: str, update: int, record: dict[str, Any]) -> None:
        if kind == "preview":
            self._sound(f"preview/{record['index']:02d}", self.folder.path / record["file"], update)
        if kind not in {"train", "valid"}:
            return
        board = self._writer()
        flat = {k: v for k, v in record.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        flat |= {k: v for k, v in (record.get("terms") or {}).items() if v is not None}
        flat |= {f"kinds/{k}": v for k, v in (record.get("kinds") or {}).items() if v is not None}
        for name, value in flat.items():
            if name not in {"format", "update", "time"}:
                board.add_scalar(f"{kind}/{name}", value, update)

    def close(self) -> None:
        """Flush TensorBoard's file."""
        if self._board is not None:
            self._board.close()


def _ended(line: MetricLine) -> bool:
    """Whether a line was written as a run ended, which it does again when it goes on."""
    return isinstance(line, EventLine) and line.name in ("finished", "no_best")


def _is_cut(path: Path) -> bool:
    """Whether a file's last line was not written to its end."""
    content = path.read_bytes() if path.exists() else b""
    return bool(content) and not content.endswith(b"\n")


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
