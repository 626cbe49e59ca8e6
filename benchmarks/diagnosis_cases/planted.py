"""Ways in which generated audio fails, planted into clean clips at grades: (N, C), rate, generator -> (M, 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Plant = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Planted:
    """One failure.

    Attributes:
        name: With its grade.
        plant: Does it to a clip.
        rules: The rules that may find it.
        bar: Whether it has to be found nearly always; weaker grades are reported only.
        profiles: Which clips it is done to.
        reference: Whether it is held against other clips of the same kind, as only they can tell.
    """

    name: str
    plant: Plant
    rules: tuple[str, ...]
    bar: bool = False
    profiles: tuple[str, ...] = ("music", "speech")
    reference: bool = False


def _level(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2))) + 1e-9


def fade(decibels: float, start: float = 0.0) -> Plant:
    """Falls by this much, in dB over time, from this share of the clip on."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        part = np.clip((np.linspace(0, 1, len(x)) - start) / (1 - start), 0, 1)
        return x * 10 ** (-decibels * part / 20)[:, None]

    return plant


def cut(seconds: float = 0.0, share: float = 0.0) -> Plant:
    """Stops this long before the end; a faint hiss is left."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        left = int(len(x) * (1 - share) - seconds * rate)
        loud = _loud_until(x, rate, left)
        return np.concatenate([loud, 1e-4 * rng.standard_normal((len(x) - left, x.shape[1]))])

    return plant


def _loud_until(x: np.ndarray, rate: int, left: int) -> np.ndarray:
    """The clip up to there, so shifted that it does not end in a pause of its own."""
    width = rate // 5
    for back in range(0, max(1, left - width), width):
        if _level(x[left - back - width : left - back]) > 0.3 * _level(x):
            return np.concatenate([x[left - back : left], x[: left - back]]) if back else x[:left]
    return x[:left]


def silence(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A faint hiss and nothing else."""
    return 1e-4 * rng.standard_normal(x.shape)


def _noise(x: np.ndarray, rate: int, rng: np.random.Generator, colour: str) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(x.shape), axis=0)
    hertz = np.fft.rfftfreq(len(x), 1 / rate)[:, None]
    if colour in {"pink", "brown"}:
        spectrum /= np.maximum(hertz, 20) ** (0.5 if colour == "pink" else 1.0)
    elif colour == "matched":
        own = np.abs(np.fft.rfft(x, axis=0)).mean(axis=1)
        width = max(1, round(200 * len(x) / rate))
        spectrum *= np.sqrt(np.convolve(own**2, np.ones(width) / width, "same"))[:, None]
    elif colour == "band":
        low = rng.uniform(300, 1200)
        spectrum *= (hertz > low) & (hertz < low * rng.uniform(2.5, 5))
    elif colour == "low":
        spectrum *= hertz < 3000
    made = np.fft.irfft(spectrum, len(x), axis=0)
    return made * _level(x) / _level(made)


def noise(colour: str, start: float = 0.0, end: float = 1.0) -> Plant:
    """Noise in place of the music between two shares of the clip, blended over 50 ms."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        time, edge = np.arange(len(x)) / rate, 0.05
        length = len(x) / rate
        gate = np.minimum(
            np.clip((time - start * length) / edge + (start <= 0), 0, 1),
            np.clip((end * length - time) / edge + (end >= 1), 0, 1),
        )[:, None]
        return x * (1 - gate) + _noise(x, rate, rng, colour) * gate

    return plant


def added(decibels: float, colour: str = "pink") -> Plant:
    """Noise this far under the clip."""
    return lambda x, rate, rng: x + _noise(x, rate, rng, colour) * 10 ** (-decibels / 20)


def tokens(milliseconds: float, bands: int = 1) -> Plant:
    """The right frames in the wrong order, as from random tokens; each band in an order of its own."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        from scipy.signal import istft, stft

        hop = int(rate * milliseconds / 1000)
        spectra = stft(x.T, rate, nperseg=2 * hop, noverlap=hop)[2]
        edges = np.unique(np.r_[0, np.geomspace(8, spectra.shape[1], bands).astype(int)]) if bands > 1 else [0, None]
        for low, high in pairwise(edges):
            spectra[:, low:high] = spectra[:, low:high][:, :, rng.permutation(spectra.shape[2])]
        made = np.asarray(istft(spectra, rate, nperseg=2 * hop, noverlap=hop)[1]).T[: len(x)]
        return made * min(1.0, 0.95 / (np.abs(made).max() + 1e-9))

    return plant


def grains(milliseconds: float) -> Plant:
    """Chunks in a random order, blended over 5 ms."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        out, edge, at = np.zeros_like(x), int(0.005 * rate), 0
        while at < len(x):
            size = int(rate * milliseconds / 1000 * rng.uniform(0.5, 1.6)) + edge
            start = int(rng.integers(0, max(1, len(x) - size)))
            grain = x[start : start + size].copy()
            grain[:edge] *= np.linspace(0, 1, edge)[:, None]
            grain[-edge:] *= np.linspace(1, 0, edge)[:, None]
            out[at : at + len(grain)] += grain[: len(x) - at]
            at += size - edge
        return out

    return plant


def _lively(x: np.ndarray, rate: int, size: int) -> int:
    """A place in the first half where a piece of this size is not silent."""
    starts = range(0, max(1, len(x) // 2 - size), max(1, rate // 4))
    return max(starts, key=lambda start: _level(x[start : start + size]))


def looped(seconds: float, near: bool = False) -> Plant:
    """Stuck on one piece from a fifth of the clip on; ``near``: each turn ±0.7 dB and in noise 25 dB under it."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        first, size = int(0.2 * len(x)), int(seconds * rate)
        start = _lively(x, rate, size)
        turns = []
        for _ in range(len(x) // size + 1):
            piece = x[start : start + size]
            if near:
                piece = piece * 10 ** (rng.uniform(-0.7, 0.7) / 20)
                piece = piece + 10 ** (-25 / 20) * _level(piece) * rng.standard_normal(piece.shape)
            turns.append(piece)
        return np.concatenate([x[:first], *turns])[: len(x)]

    return plant


def frozen(start: float, whole: bool = False) -> Plant:
    """One frame's spectrum held with moving phases from this share of the clip on."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        from scipy.signal import istft, stft

        spectra = stft(x.T, rate, nperseg=2048)[2]
        energy = (np.abs(spectra) ** 2).sum(axis=(0, 1))
        first = int(start * spectra.shape[2])
        frame = first + int(energy[first : first + max(4, spectra.shape[2] // 6)].argmax())
        advance = np.exp(2j * np.pi * rng.uniform(0, 1, spectra.shape[1]))[None]
        held = spectra[:, :, frame].copy()
        for index in range(0 if whole else first, spectra.shape[2]):
            spectra[:, :, index] = held
            held = held * advance
        made = np.asarray(istft(spectra, rate, nperseg=2048)[1]).T[: len(x)]
        return made * min(1.0, 0.95 / (np.abs(made).max() + 1e-9))

    return plant


def drone(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A buzz of one pitch."""
    time, pitch = np.arange(len(x)) / rate, rng.uniform(60, 300)
    tone = np.sum([np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in range(1, 8)], axis=0)
    return np.stack([tone, tone], axis=1) * min(_level(x) / _level(tone), 0.2 / _level(tone))


def stutter(milliseconds: float, turns: int, times: int) -> Plant:
    """At some places a short piece comes several times over."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        out, size = x.copy(), int(rate * milliseconds / 1000)
        room = len(x) // times
        for place in range(times):
            low, high = place * room, max(place * room + 1, (place + 1) * room - size * (turns + 1))
            start = max(rng.integers(low, high, 8), key=lambda at: _level(x[at : at + size]))
            repeated = np.tile(x[start : start + size], (turns, 1))
            out[start + size : start + size + len(repeated)] = repeated[: len(out) - start - size]
        return out

    return plant


def dropouts(milliseconds: float, times: int) -> Plant:
    """Short holes of silence."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        out, size = x.copy(), int(rate * milliseconds / 1000)
        for place in range(times):
            low = int(len(x) * (place + 0.1) / times)
            start = max(rng.integers(low, low + int(0.7 * len(x) / times), 8), key=lambda at: _level(x[at : at + size]))
            out[start : start + size] = 0
        return out

    return plant


def clipped(decibels: float) -> Plant:
    """Driven into a hard ceiling."""
    return lambda x, rate, rng: 0.9 * np.clip(x / np.abs(x).max() * 10 ** (decibels / 20), -1, 1)


def overdriven(decibels: float) -> Plant:
    """Driven into a soft ceiling."""
    return lambda x, rate, rng: 0.95 * np.tanh(x / np.abs(x).max() * 10 ** (decibels / 20))


def offset(amount: float) -> Plant:
    """Not centred on zero."""
    return lambda x, rate, rng: 0.9 * x + amount


def mono(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Both channels alike."""
    return np.repeat(x.mean(axis=1, keepdims=True), 2, axis=1)


def antiphase(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Both channels cancel."""
    return mono(x, rate, rng) * [1, -1]


def dead_channel(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """One channel is empty."""
    return x * ([1, 0] if rng.random() < 0.5 else [0, 1])


def shortened(share: float) -> Plant:
    """Only the first part is there."""
    return lambda x, rate, rng: x[: int(share * len(x))]


def dull(hertz: float) -> Plant:
    """Nothing above this frequency."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        from scipy.signal import butter, sosfiltfilt

        return np.asarray(sosfiltfilt(butter(8, hertz, fs=rate, output="sos"), x, axis=0))

    return plant


def louder(decibels: float) -> Plant:
    """Another level."""
    return lambda x, rate, rng: x * 10 ** (decibels / 20)


def hum(decibels: float) -> Plant:
    """Mains hum of 50 or 60 Hz with its harmonics, this far under the clip."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        time, mains = np.arange(len(x)) / rate, rng.choice([50, 60])
        tone = np.sum([np.sin(2 * np.pi * mains * k * time + k) / k for k in (1, 2, 3, 5)], axis=0)
        return x + (tone * _level(x) * 10 ** (-decibels / 20) / _level(tone))[:, None]

    return plant


def said_twice(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A stretch of speech comes a second time."""
    start, end = _stretch(x, rate)
    return np.concatenate([x[:end], np.zeros((int(0.15 * rate), x.shape[1])), x[start:end], x[end:]])


def left_out(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The first half of the speech is missing."""
    return x[len(x) // 2 :]


def faster(factor: float) -> Plant:
    """Said faster, at the same pitch (overlap-add of frames of 40 ms that fit)."""

    def plant(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        hop, search = int(0.02 * rate), int(0.01 * rate)
        window, mix = np.hanning(2 * hop)[:, None], x.mean(axis=1)
        out = np.zeros((int(len(x) / factor) + 3 * hop, x.shape[1]))
        at = 0
        for frame in range(int(len(x) / factor) // hop - 3):
            ideal = int(frame * hop * factor)
            if frame:
                tail = mix[at + hop : at + 3 * hop]
                starts = range(max(0, ideal - search), min(len(x) - 2 * hop, ideal + search), 16)
                at = max(starts, key=lambda start: float(mix[start : start + len(tail)] @ tail), default=ideal)
            out[frame * hop : (frame + 2) * hop] += window * x[at : at + 2 * hop]
        return out[: int(len(x) / factor)]

    return plant


def _stretch(x: np.ndarray, rate: int) -> tuple[int, int]:
    from tunesmith.speech.duration import stretches

    start, end = max(stretches(x.T, rate) or [(0.0, 1.0)], key=lambda part: part[1] - part[0])
    end = min(end, start + 2.5)
    return int(start * rate), int(end * rate)


_MUSIC, _SPEECH = ("music",), ("speech",)
_STUCK = ("short_loop", "drone", "frozen")
PLANTED: tuple[Planted, ...] = (
    Planted("fade 6 dB", fade(6), ("fade",), profiles=_MUSIC),
    Planted("fade 12 dB", fade(12), ("fade",), bar=True, profiles=_MUSIC),
    Planted("fade 30 dB", fade(30), ("fade", "dead_tail"), bar=True, profiles=_MUSIC),
    Planted("fade 30 dB, second half", fade(30, 0.5), ("fade", "dead_tail"), profiles=_MUSIC),
    Planted("fade 12 dB, speech", fade(12), ("fade",), profiles=_SPEECH),
    Planted("fade 30 dB, speech", fade(30), ("fade", "dead_tail"), bar=True, profiles=_SPEECH),
    Planted("last 1.1 s empty", cut(1.1), ("dead_tail",), profiles=_MUSIC, reference=True),
    Planted("last 2 s empty", cut(2.0), ("dead_tail",), bar=True),
    Planted("second half empty", cut(share=0.5), ("dead_tail", "silent"), bar=True),
    Planted("silence", silence, ("silent",), bar=True),
    *(Planted(f"{c} noise", noise(c), ("noise",), bar=True) for c in ("white", "pink", "brown")),
    Planted("noise of the clip's colour", noise("matched"), ("noise",)),
    Planted("band of noise", noise("band"), ("noise",)),
    Planted("noise under 3 kHz", noise("low"), ("noise",)),
    Planted("noise, first half", noise("pink", 0, 0.5), ("noise",), bar=True),
    Planted("noise, second half", noise("pink", 0.5), ("noise",), bar=True),
    Planted("noise, middle third", noise("pink", 0.33, 0.67), ("noise",)),
    Planted("matched noise, first half", noise("matched", 0, 0.5), ("noise",)),
    Planted("noise as loud as the clip", added(0), ("noise", "noisy_speech", "hiss")),
    Planted("noise 10 dB under it", added(10), ("noise", "noisy_speech", "hiss")),
    *(Planted(f"random tokens {ms} ms", tokens(ms), ("incoherent",), bar=True, profiles=_MUSIC) for ms in (20, 80)),
    Planted("random tokens 20 ms, by band", tokens(20, 4), ("incoherent", "noise"), bar=True, profiles=_MUSIC),
    Planted("grains 150 ms", grains(150), ("incoherent",), profiles=_MUSIC),
    Planted("grains 400 ms", grains(400), ("incoherent",), profiles=_MUSIC),
    *(
        Planted(f"random tokens {ms} ms, speech", tokens(ms), ("babble", "noise"), bar=ms < 80, profiles=_SPEECH)
        for ms in (20, 40, 80)
    ),
    *(Planted(f"loop {s} s", looped(s), _STUCK, bar=True) for s in (0.1, 0.25, 0.5, 1.0)),
    *(Planted(f"near loop {s} s", looped(s, near=True), _STUCK, bar=True) for s in (0.25, 0.5, 1.0)),
    Planted("loop 2 s", looped(2.0), _STUCK, profiles=_MUSIC),
    Planted("frozen from a half on", frozen(0.5), ("frozen", "drone"), bar=True),
    Planted("frozen whole", frozen(0.3, whole=True), ("frozen", "drone", "noise"), bar=True),
    Planted("drone", drone, ("drone",), bar=True),
    Planted("stutter 80 ms x 6, three times", stutter(80, 6, 3), ("stutter",)),
    Planted("stutter 150 ms x 4, twice", stutter(150, 4, 2), ("stutter",)),
    Planted("dropouts 60 ms, five", dropouts(60, 5), ("dropouts",)),
    Planted("clipped 6 dB", clipped(6), ("clipping", "overdriven")),
    Planted("clipped 9 dB", clipped(9), ("clipping",), bar=True),
    Planted("clipped 15 dB", clipped(15), ("clipping",), bar=True),
    Planted("overdriven 12 dB", overdriven(12), ("overdriven", "clipping")),
    Planted("DC 0.02", offset(0.02), ("dc_offset",), bar=True),
    Planted("DC 0.1", offset(0.1), ("dc_offset",), bar=True),
    Planted("mono", mono, ("mono",), bar=True, profiles=_MUSIC),
    Planted("antiphase", antiphase, ("antiphase",), bar=True, profiles=_MUSIC),
    Planted("dead channel", dead_channel, ("dead_channel",), bar=True, profiles=_MUSIC),
    Planted("half as long", shortened(0.5), ("short",), bar=True, profiles=_MUSIC),
    Planted("85 % as long", shortened(0.85), ("short",), bar=True, profiles=_MUSIC),
    Planted("dull, 2.5 kHz", dull(2500), ("dull",), bar=True, profiles=_MUSIC, reference=True),
    Planted("dull, 4 kHz", dull(4000), ("dull",), bar=True, profiles=_MUSIC, reference=True),
    Planted("dull, 7 kHz", dull(7000), ("dull",), profiles=_MUSIC, reference=True),
    Planted("20 dB quieter", louder(-20), ("level",), profiles=_MUSIC, reference=True),
    Planted("hum 15 dB under it", hum(15), ("hum",)),
    Planted("speech cut at 85 %", shortened(0.85), ("truncated",), profiles=_SPEECH),
    Planted("half of the speech missing", left_out, ("skipped_clause",), profiles=_SPEECH),
    Planted("a clause said twice", said_twice, ("repeated_clause",), profiles=_SPEECH),
)
HARMLESS: tuple[Planted, ...] = (
    Planted("said 1.5 times as fast", faster(1.5), ("skipped_clause", "truncated"), profiles=_SPEECH),
    Planted("noise 5 dB under a voice", added(5), ("voice_lost",), profiles=_SPEECH),
    Planted("band of noise", noise("band"), ("drone", "frozen")),
    Planted("noise under 3 kHz", noise("low"), ("drone", "frozen")),
    Planted("said softer, 6 dB", louder(-6), ("level",), reference=True),
)
"""What must not be called by these names."""
