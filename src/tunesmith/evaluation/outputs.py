"""Write what a model made, and measure the file: what the rules and the report say is true of what is heard.

A model's output may pass full scale, and a 16-bit file cannot hold that. One rule holds everywhere: files that are
heard against each other (base and adapter, same prompt and seed) are turned down together, by what the louder one needs
for its peak to lie 0.1 dB under full scale; a pair within full scale is left as it is. The gain stands in the file's
signals. Samples that passed full scale count as clipped although the file is not, because another program clips them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from tunesmith.evaluation.signals import Signals, measure
from tunesmith.texts import Message, msg

_HEADROOM_DB = 0.1
_Signals = TypeVar("_Signals", bound=Signals)


@dataclass(frozen=True)
class WrittenOutput:
    """A file of a model's output.

    Attributes:
        audio: What the file holds, (C, N).
        rate: In Hz.
        gain_db: What it was turned down by, 0 or less.
        over_frac: Share of the model's samples beyond full scale.
    """

    audio: np.ndarray
    rate: int
    gain_db: float
    over_frac: float

    def measure(self) -> Signals:
        """The file's signals, with what became of the model's output on its way into it."""
        return self.completed(measure(self.audio.T, self.rate))

    def completed(self, signals: _Signals) -> _Signals:
        """Signals of the file that also tell what became of the model's output."""
        over = max(self.over_frac, signals.over_frac)
        return replace(signals, gain_db=self.gain_db, over_frac=over, clip_frac=max(over, signals.clip_frac))


def shared_gain(*outputs: np.ndarray) -> float:
    """The gain in dB, 0 or less, that keeps all of these within full scale: that of the loudest."""
    peak = max((float(np.abs(audio).max(initial=0.0)) for audio in outputs), default=0.0)
    return -20 * math.log10(peak) - _HEADROOM_DB if peak > 1.0 and math.isfinite(peak) else 0.0


def write_output(path: Path, audio: np.ndarray, rate: int, gain_db: float | None = None) -> WrittenOutput:
    """Write one output of a model.

    Args:
        path: The file; its suffix names the format.
        audio: (C, N), full scale ±1.
        rate: In Hz.
        gain_db: Of the pair that it belongs to, by :func:`shared_gain`; its own when ``None``.

    Returns:
        What the file holds.

    Raises:
        TunesmithError: as :func:`tunesmith.audio.write.write`.
    """
    from tunesmith.audio.decode import read
    from tunesmith.audio.write import write

    gain = shared_gain(audio) if gain_db is None else gain_db
    audio = np.atleast_2d(audio)
    write(path, audio * np.float32(10 ** (gain / 20)) if gain else audio, rate)
    over = float(np.count_nonzero(np.abs(audio) > 1.0)) / max(1, audio.size)
    return WrittenOutput(*(read(path) if audio.size else (audio, rate)), gain, over)


def gain_message(gain_db: float | None) -> Message | None:
    """What a reader is told of a file that was turned down; ``None`` where it was not."""
    if not gain_db or not gain_db < 0:
        return None
    return msg("written {gain:.1f} dB lower, to stay within full scale", gain=-gain_db)
