"""The few measurements that tell whether a pocket model makes music: level, silence, dynamics, noise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Sound:
    """Measurements of one mono clip.

    Attributes:
        level_db: Rms, dBFS.
        level_slope: Change of the level per second, dB, by least squares over seconds.
        silent_share: Share of 50 ms frames below -50 dBFS.
        sub_share: Share of the energy below 120 Hz.
        low_swing_db: Standard deviation of the level of the band below 150 Hz over 50 ms frames.
        low_memory: Correlation of that level with itself one frame (50 ms) later; noise has almost none.
        centroid_hz: Centre of the power spectrum.
        noisiness: Flatness of the whitened spectrum, 200 to 8000 Hz; Gaussian noise of any colour has about 0.56.
        pulse: Highest autocorrelation of the onset strength between 0.25 and 2.2 s.
        pulse_s: Where that is, in seconds.
    """

    level_db: float
    level_slope: float
    silent_share: float
    sub_share: float
    low_swing_db: float
    low_memory: float
    centroid_hz: float
    noisiness: float
    pulse: float
    pulse_s: float


def measure(audio: npt.NDArray[np.floating], rate: int) -> Sound:
    """Measure ``audio`` (samples,), which should last two seconds or more."""
    signal = np.asarray(audio, dtype=np.float64)
    seconds = max(1, len(signal) // rate)
    per_second = _db(signal[: seconds * rate].reshape(seconds, -1).std(axis=1)) if len(signal) >= rate else np.zeros(1)
    slope = float(np.polyfit(np.arange(seconds), per_second, 1)[0]) if seconds > 1 else 0.0
    spectrum = np.fft.rfft(signal)
    frequency = np.fft.rfftfreq(len(signal), 1 / rate)
    power = np.abs(spectrum) ** 2
    low = np.fft.irfft(np.where(frequency < 150, spectrum, 0), len(signal))
    swing = np.maximum(_db(_frames(low, rate // 20).std(axis=1)), -70)
    strength, period = _pulse(signal, rate)
    return Sound(
        level_db=float(_db(np.array([signal.std()]))[0]),
        level_slope=slope,
        silent_share=float(np.mean(_db(_frames(signal, rate // 20).std(axis=1)) < -50)),
        sub_share=float(power[frequency < 120].sum() / (power.sum() + 1e-12)),
        low_swing_db=float(swing.std()),
        low_memory=_correlation(swing[:-1], swing[1:]),
        centroid_hz=float((frequency * power).sum() / (power.sum() + 1e-12)),
        noisiness=_noisiness(signal, rate),
        pulse=strength,
        pulse_s=period,
    )


def average(sounds: list[Sound]) -> dict[str, float]:
    """Mean of each measurement, rounded for a table."""
    rows = [asdict(sound) for sound in sounds]
    return {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}


def table(styles: dict[str, dict[str, Any]]) -> list[str]:
    """Lines of a table of the real and the generated clips of every style, as :func:`average` measured them."""
    names = list(next(iter(styles.values()))["real"])
    lines = [f"| style | clips | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for style, row in styles.items():
        for kind in ("real", "generated"):
            if kind in row:
                lines.append(f"| {style} | {kind} | {' | '.join(str(row[kind][name]) for name in names)} |")
    return lines


def _db(amplitude: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 20 * np.log10(np.maximum(amplitude, 1e-5))


def _frames(signal: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    count = max(1, len(signal) // size)
    return (
        np.resize(signal, count * size).reshape(count, size)
        if len(signal) < size
        else signal[: count * size].reshape(count, size)
    )


def _correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    if len(first) < 2 or first.std() < 1e-9 or second.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _spectrogram(signal: npt.NDArray[np.float64], size: int, hop: int) -> npt.NDArray[np.float64]:
    padded = np.pad(signal, (0, max(0, size - len(signal))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.abs(np.fft.rfft(windows * np.hanning(size), axis=1)) ** 2 + 1e-16


def _noisiness(signal: npt.NDArray[np.float64], rate: int) -> float:
    """Geometric over arithmetic mean of the power after dividing by its local (640 Hz) log-mean; median of frames."""
    size = round(0.064 * rate)
    power = _spectrogram(signal, size, size // 2)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    loud = power.sum(1) > power.sum(1).max() * 1e-4
    logs = np.log(power[loud][:, (frequency >= 200) & (frequency <= min(8000, 0.4 * rate))])
    width = 2 * round(640 * 0.064 / 2) + 1
    padded = np.pad(logs, ((0, 0), (width // 2, width // 2)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    white = logs - (sums[:, width:] - sums[:, :-width]) / width
    return float(np.median(np.exp(white.mean(1)) / np.exp(white).mean(1)))


def _pulse(signal: npt.NDArray[np.float64], rate: int) -> tuple[float, float]:
    hop = round(0.02 * rate)
    levels = 10 * np.log10(_spectrogram(signal, 2 * hop, hop) + 1e-10)
    onset = np.maximum(np.diff(np.maximum(levels, levels.max() - 70), axis=0), 0).mean(1)
    if len(onset) < 60 or onset.std() < 1e-9:
        return 0.0, 0.0
    onset = onset - onset.mean()
    curve = np.correlate(onset, onset, "full")[len(onset) - 1 :]
    curve = curve / curve[0] * len(onset) / (len(onset) - np.arange(len(onset)))
    first, last = 13, min(111, len(onset) // 2)
    best = first + int(np.argmax(curve[first:last]))
    return float(curve[best]), best * 0.02
